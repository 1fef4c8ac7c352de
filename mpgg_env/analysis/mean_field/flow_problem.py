"""The games whose agents move alike wherever the others are, as a choice of flows through time.

In four rooms, predator and prey and distribution planning p(y | x, a) does not depend on the distributions. A coalition
that plays open loop then chooses nothing but its flow y_t(x, a) >= 0, the share of its agents that are in x at time t
and do a, in the polytope sum_a y_0(x, a) = mu_0(x), sum_a y_{t+1}(x, a) = sum_{x', a'} y_t(x', a') p(x | x', a'). Its
return is

    sum_t gamma^t [ sum_{x, a} r(x, a) y_t(x, a) + <l_t, mu_t> + phi(mu_t) + <mu_t, sum_j C_ij mu_j,t> ]

with a concave phi of its own distribution mu_t(x) = sum_a y_t(x, a).
"""

from dataclasses import dataclass, replace

import numpy as np

from mpgg_env.analysis.mean_field.concave_terms import ConcaveTerm, DistanceTerm, EntropyTerm
from mpgg_env.core.types import BoolArray, FloatArray
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.grid import moving_weights
from mpgg_env.games.mean_field.common.state import MeanFieldState
from mpgg_env.games.mean_field.distribution_planning.config import DistributionPlanningConfig
from mpgg_env.games.mean_field.four_rooms.config import FourRoomsConfig
from mpgg_env.games.mean_field.four_rooms.rules import N_ROOMS, rooms
from mpgg_env.games.mean_field.predator_prey.config import PredatorPreyConfig
from mpgg_env.games.mean_field.predator_prey.rules import CHASE

FlowConfig = FourRoomsConfig | PredatorPreyConfig | DistributionPlanningConfig


@dataclass(frozen=True, slots=True, eq=False)
class FlowProblem:
    """m coalitions that choose flows, in B games at once.

    Attributes:
        kernel: p(y | x, a), (S, A, S).
        starts: Distributions at time 0, (B, m, S).
        weights: gamma^t, (T,).
        action_reward: r(x, a), (S, A).
        state_reward: l, (B, T, m, S).
        coupling: C, (m, m).
        terms: phi of each coalition; None for 0.
    """

    kernel: FloatArray
    starts: FloatArray
    weights: FloatArray
    action_reward: FloatArray
    state_reward: FloatArray
    coupling: FloatArray
    terms: tuple[ConcaveTerm | None, ...]

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """B, T, m, S, A."""
        return (*self.state_reward.shape, self.kernel.shape[1])

    @property
    def live(self) -> BoolArray:
        """Where agents can be at each time, (B, T, m, S)."""
        connected = (self.kernel > 0).any(1).astype(np.float64)
        reached = [self.starts > 0]
        for _ in range(len(self.weights) - 1):
            reached.append(reached[-1].astype(np.float64) @ connected > 0)
        return np.stack(reached, 1)

    def after(self, flow: FloatArray) -> FloatArray:
        """Where a flow (..., S, A) leads, (..., S)."""
        return np.asarray(flow.reshape(*flow.shape[:-2], -1) @ self.kernel.reshape(-1, self.kernel.shape[2]))

    def ahead(self, values: FloatArray) -> FloatArray:
        """Expected value of the next state after each action, (..., S, A), from values (..., S)."""
        n_states, n_actions, _ = self.kernel.shape
        expected = values @ self.kernel.reshape(-1, n_states).T
        return np.asarray(expected.reshape(*values.shape[:-1], n_states, n_actions))

    def flows(self, policies: FloatArray) -> FloatArray:
        """The flows of open-loop policies (B, T, m, S, A), of the same shape."""
        flows, mu = np.empty(self.shape), self.starts
        for t in range(len(self.weights)):
            flows[:, t] = mu[..., None] * policies[:, t]
            mu = self.after(flows[:, t])
        return flows

    def response(self, distributions: FloatArray, coalition: int) -> "FlowProblem":
        """What one coalition has to solve when the others' distributions are given, (B, T, m, S); its own is unused."""
        met = np.einsum("j,btjs->bts", self.coupling[coalition], distributions)
        one = slice(coalition, coalition + 1)
        return replace(
            self,
            starts=self.starts[:, one],
            state_reward=self.state_reward[:, :, one] + met[:, :, None],
            coupling=np.zeros((1, 1)),
            terms=self.terms[one],
        )

    def best_linear(self, slopes: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The best flows for rewards linear in them, by backward induction: exact.

        Args:
            slopes: Reward per agent in each state, not discounted, (B, T, m, S); that of actions is added.

        Returns:
            The largest return of each coalition, (B, m), and policies that reach it, (B, T, m, S, A): zeros and ones,
            the lowest of equally good actions.
        """
        policies, later = np.zeros(self.shape), np.zeros(self.starts.shape)
        for t in reversed(range(len(self.weights))):
            gain = self.weights[t] * (slopes[:, t, ..., None] + self.action_reward) + self.ahead(later)
            chosen = gain.argmax(-1)[..., None]
            np.put_along_axis(policies[:, t], chosen, 1.0, -1)
            later = np.take_along_axis(gain, chosen, -1)[..., 0]
        return (later * self.starts).sum(-1), policies


def flow_policies(flows: FloatArray) -> FloatArray:
    """The rows y(x, a) / mu(x) of flows (..., S, A); uniform where there is nobody."""
    total = flows.sum(-1, keepdims=True)
    some = total > 0
    return np.where(some, flows / np.where(some, total, 1.0), 1.0 / flows.shape[-1])


def flow_problem(config: FlowConfig, state: MeanFieldState) -> FlowProblem:
    """A game from these starts, arrays of numpy, as a choice of flows."""
    batch = MeanFieldBatch(config)
    n_states, n_actions = batch.shapes[0]
    coalitions, size = batch.n_coalitions, len(state.distributions[0])
    kernel = batch.rules.kernels(state.distributions)[0].reshape(n_states, n_actions, n_states)
    moving = moving_weights(n_states).reshape(n_states, n_actions)
    state_reward = np.zeros((size, config.max_cycles, coalitions, n_states))
    terms: tuple[ConcaveTerm | None, ...]
    if isinstance(config, FourRoomsConfig):
        moving = 0.0 * moving
        outside = rooms() != np.arange(N_ROOMS)[:, None]
        state_reward[:, :, 1] -= config.away_cost * outside[state.context][:, None]
        coupling, terms = _aversion(config.crowd_cost), (EntropyTerm(config.entropy),) * 2
    elif isinstance(config, DistributionPlanningConfig):
        moving = config.move_cost * moving
        coupling = _aversion(config.crowd_cost)
        targets = batch.rules.targets  # type: ignore[attr-defined]
        # Without a cost of distance the cone that stands for it would have no inside.
        terms = tuple(DistanceTerm(config.target_cost, target) if config.target_cost else None for target in targets)
    else:
        moving = config.move_cost * moving
        coupling, terms = config.catch * np.array(CHASE, float), (None,) * coalitions
    return FlowProblem(
        kernel=kernel,
        starts=np.stack(state.distributions, 1),
        weights=np.float64(config.discount) ** np.arange(config.max_cycles),
        action_reward=-moving,
        state_reward=state_reward,
        coupling=coupling,
        terms=terms,
    )


def _aversion(cost: float) -> FloatArray:
    """Two coalitions that both pay for meeting."""
    return np.array([[0.0, -cost], [-cost, 0.0]])
