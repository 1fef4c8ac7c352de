"""A primal-dual interior-point method for flows through time, with Mehrotra's steps ([Mehrotra1992]).

It solves the conditions that every coalition's flow is a best response to the others' flows,

    s_t(x, a) = V_t(x) - gamma^t [ r(x, a) + g_t(x) ] - sum_y p(y | x, a) V_{t+1}(y) >= 0,   y_t(x, a) s_t(x, a) = 0,

g the supergradient of the rewards of states, by Newton steps on y s = tau while tau falls to 0. For one coalition that
is a concave program, and for a zero-sum coupling a monotone problem: both have one connected set of solutions. Nothing
here is trusted: what comes out is judged by bounds that hold for any flows and any slopes.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from mpgg_env.analysis.mean_field.concave_terms import TermState
from mpgg_env.analysis.mean_field.flow_problem import FlowProblem
from mpgg_env.analysis.mean_field.riccati import NewtonSystem
from mpgg_env.core.types import FloatArray

# Share of the first gap at which a game counts as solved, and iterations at most: 10 to 20 do.
TOLERANCE: Final = 1e-6
MOST_ITERATIONS: Final = 60
STALLED: Final = 1e-5  # shorter steps mean that rounding has taken over
INSIDE: Final = 0.98
REFINEMENTS: Final = 2  # at most
ROUNDING: Final = 1e-3  # error of the costs, as a share of tau, that needs none
# Half of the first flows is spread evenly over where agents can be. Uniform policies alone leave next to nobody far
# away, and such points near the boundary of the flows cost dozens of iterations.
SPREAD: Final = 0.5
# Times that count for less than this in the return count for as much here, or their part could not be seen in rounding.
SMALLEST_WEIGHT: Final = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class InteriorSolution:
    """What the method ends with.

    Attributes:
        flows: y, positive wherever agents can be, (B, T, m, S, A).
        slopes: Supergradients of the concave terms with their lines, (B, T, m, S).
        constants: What the lines add, (B, T, m).
        iterations: Newton steps.
    """

    flows: FloatArray
    slopes: FloatArray
    constants: FloatArray
    iterations: int


def solve_flows(problem: FlowProblem, tolerance: float = TOLERANCE) -> InteriorSolution:
    """Flows that are best responses to each other, up to a share `tolerance` of the first gap."""
    iterate = _Iterate(problem)
    while not iterate.finished(tolerance):
        iterate.advance()
    return iterate.solution()


class _Iterate:
    """Flows, values and reduced costs on their way."""

    def __init__(self, problem: FlowProblem) -> None:
        self.problem, self.live = problem, problem.live
        self.open = self.live[..., None]
        self.weights = np.maximum(problem.weights, SMALLEST_WEIGHT)
        n_actions = problem.shape[-1]
        even = self.open / (n_actions * self.live.sum(-1)[..., None, None])
        uniform = problem.flows(np.full(problem.shape, 1.0 / n_actions))
        self.flows = np.where(self.open, (1 - SPREAD) * uniform + SPREAD * even, 0.0)
        mu = self.flows.sum(-1)
        self.terms: list[tuple[int, TermState]] = [
            (i, term.begin(mu[:, :, i], self.weights, self.live[:, :, i]))
            for i, term in enumerate(problem.terms)
            if term is not None
        ]
        self.pairs = n_actions * self.live.sum((1, 2, 3)) + sum(term.pairs for _, term in self.terms)
        self._begin_values(mu)
        self.stalled, self.iterations = np.zeros(len(mu), bool), 0
        self.first_gap = self.gap()

    def _begin_values(self, mu: FloatArray) -> None:
        """Values above what any action brings, so that all reduced costs are positive."""
        reward = self.rewards(mu)
        steps = len(self.weights)
        margin = max(float(np.abs(reward).max()) / 5, 1e-6)
        self.values = np.zeros((len(mu), steps + 1, *mu.shape[2:]))
        for t in reversed(range(steps)):
            best = (reward[:, t] + self.problem.ahead(self.values[:, t + 1])).max(-1)
            self.values[:, t] = best + margin
        self.costs = np.where(self.open, self.reduced(reward), 1.0)

    def rewards(self, mu: FloatArray) -> FloatArray:
        """gamma^t (r + g) at these distributions, (B, T, m, S, A)."""
        problem, weights = self.problem, self.weights[:, None, None]
        slopes = weights * (problem.state_reward + np.einsum("ij,btjs->btis", problem.coupling, mu))
        for i, term in self.terms:
            slopes[:, :, i] += term.gradient(mu[:, :, i])
        return np.asarray(slopes[..., None] + weights[..., None] * problem.action_reward)

    def reduced(self, reward: FloatArray) -> FloatArray:
        """V - reward - K V, which the reduced costs should be, (B, T, m, S, A)."""
        return self.values[:, :-1, ..., None] - reward - self.problem.ahead(self.values[:, 1:])

    def gap(self) -> FloatArray:
        """What complementary pairs are away from 0, summed, (B,)."""
        own = np.where(self.open, self.flows * self.costs, 0.0).sum((1, 2, 3, 4))
        return np.asarray(own + sum(term.gap() for _, term in self.terms))

    def finished(self, tolerance: float) -> bool:
        """Whether every game is solved or cannot be improved."""
        self.done = self.stalled | (self.gap() <= tolerance * self.first_gap)
        return bool(self.done.all()) or self.iterations == MOST_ITERATIONS

    def advance(self) -> None:
        """One step of Mehrotra's method: a look at where tau = 0 leads, then the step with a tau to match."""
        mu, tau = self.flows.sum(-1), self.gap() / self.pairs
        self._tau = tau
        curvature = self._curvature(mu)
        drift = np.where(self.open, self.reduced(self.rewards(mu)) - self.costs, 0.0)
        ratio = np.where(self.open, self.flows / self.costs, 0.0)
        self._system = NewtonSystem(self.problem, self.live, ratio, curvature)
        self._lacking = (
            np.concatenate([self.problem.starts[:, None], self.problem.after(self.flows)[:, :-1]], axis=1) - mu
        )
        zero = np.zeros_like(tau)
        self._direction(ratio, drift, np.zeros_like(ratio), zero, second_order=False)
        target = np.clip((1 - self._longest(1.0)) ** 3, 1e-4, 1.0) * tau
        product = np.where(self.open, target[:, None, None, None, None] - self._dflows * self._dcosts, 0.0)
        self._direction(ratio, drift, product, target, second_order=True)
        self._move()

    def _direction(
        self, ratio: FloatArray, drift: FloatArray, product: FloatArray, target: FloatArray, *, second_order: bool
    ) -> None:
        """The Newton step towards y s = product."""
        offset = np.zeros(self.live.shape)
        for i, term in self.terms:
            offset[:, :, i] += term.offset(target, second_order)
        drift = np.where(self.open, drift - offset[..., None], 0.0)
        wanted = np.where(self.open, product / self.costs - self.flows - ratio * drift, 0.0)
        dmu, dvalues, dflows, left = self._system.solve(wanted, self._lacking)
        costs = drift + self._reduced_change(dmu, dvalues, left)
        # Iterative refinement: flows over costs span ten orders of magnitude, and costs are as small as tau.
        for _ in range(REFINEMENTS):
            if np.abs(left).max() <= ROUNDING * self._tau.min():
                break
            more = np.where(self.open, left[..., None], 0.0)
            changes = self._system.solve(-ratio * more, np.zeros_like(dmu))
            costs += more + self._reduced_change(changes[0], changes[1], changes[3])
            dmu, dvalues, dflows = dmu + changes[0], dvalues + changes[1], dflows + changes[2]
            left = changes[3]
        self._dvalues, self._dflows, self._dcosts = dvalues, dflows, np.where(self.open, costs, 0.0)
        for i, term in self.terms:
            term.follow(dmu[:, :, i])

    def _reduced_change(self, dmu: FloatArray, dvalues: FloatArray, left: FloatArray) -> FloatArray:
        own = dvalues[:, :-1] - self._system.bend(dmu) - left
        return np.where(self.open, own[..., None] - self.problem.ahead(dvalues[:, 1:]), 0.0)

    def _curvature(self, mu: FloatArray) -> FloatArray:
        """G, (B, T, m S, m S)."""
        games, steps, coalitions, n_states = mu.shape
        matrix = np.zeros((games, steps, coalitions, n_states, coalitions, n_states))
        states = np.arange(n_states)
        for i, j in np.argwhere(self.problem.coupling):
            matrix[:, :, i, states, j, states] += self.problem.coupling[i, j] * self.weights[:, None]
        for i, term in self.terms:
            matrix[:, :, i, :, i, :] += term.curvature(mu[:, :, i])
        both = self.live[..., None, None] & self.live[:, :, None, None]
        size = coalitions * n_states
        return np.where(both, matrix, 0.0).reshape(games, steps, size, size)

    def _longest(self, inside: float) -> FloatArray:
        """The share of the step that keeps everything positive, (B,)."""
        share = np.ones(len(self.flows))
        for values, change in ((self.flows, self._dflows), (self.costs, self._dcosts)):
            falling = self.open & (change < 0)
            ratios = np.where(falling, -values / np.where(falling, change, -1.0), np.inf)
            share = np.minimum(share, inside * ratios.min((1, 2, 3, 4)))
        for _, term in self.terms:
            share = np.minimum(share, inside * term.longest_step())
        return share

    def _move(self) -> None:
        share = self._longest(INSIDE)
        self.iterations += 1
        self.stalled |= share < STALLED
        share = np.where(self.done | self.stalled, 0.0, share)
        wide = share[:, None, None, None, None]
        self.flows = self.flows + wide * self._dflows
        self.costs = self.costs + wide * self._dcosts
        self.values = self.values + wide[..., 0] * self._dvalues
        for _, term in self.terms:
            term.move(share)

    def solution(self) -> InteriorSolution:
        """The flows as they are, and the lines above the concave terms."""
        mu = self.flows.sum(-1)
        slopes, constants = np.zeros_like(mu), np.zeros(mu.shape[:-1])
        for i, term in self.terms:
            slopes[:, :, i], constants[:, :, i] = term.line(mu[:, :, i])
        return InteriorSolution(self.flows, slopes, constants, self.iterations)
