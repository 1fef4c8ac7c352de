"""Nash equilibria of the two exact potential games, four rooms and distribution planning.

Both coalitions pay the same cost c <mu_0, mu_1> for meeting, and everything else is their own affair. Hence whoever
changes her flow changes her return by as much as the potential changes ([Monderer1996]),

    Phi = sum over i of (return of i without meetings) - sum_t gamma^t c <mu_0,t, mu_1,t>.

Phi is concave in each flow alone but not in both, so that there can be several equilibria: each is a point where
neither flow alone can be improved. **The choice**: coalitions answer each other in turn with best responses, beginning
against an opponent who is nowhere, once with either coalition first; of the two ends the one with the higher potential
is taken, per start, and the first order's where they agree to `TIE` of their size. Phi never falls on the way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mpgg_env.analysis.mean_field.flow_problem import FlowProblem
from mpgg_env.analysis.mean_field.flow_response import respond
from mpgg_env.core.types import FloatArray

MOST_ROUNDS: Final = 60
# Answering ends when the next response can gain no more than this share of the potential's size.
GAIN: Final = 3e-5
INNER_TOLERANCE: Final = 1e-5
TIE: Final = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class FlowEquilibrium:
    """Flows that answer each other.

    Attributes:
        policies: Of each coalition, (B, T, m, S, A).
        potential: Phi, (B,); zeros where there is none.
        rounds: Best responses, or Newton steps, until the end.
    """

    policies: FloatArray
    potential: FloatArray
    rounds: int


def potential_equilibrium(problem: FlowProblem, orders: Sequence[int] = (0, 1)) -> FlowEquilibrium:
    """The equilibrium that answering in turn ends in, see above, for each of B starts.

    Args:
        problem: Two coalitions with a symmetric coupling.
        orders: Who moves first, once for each attempt.

    Raises:
        ValueError: The coupling is not that of a potential game.
    """
    if problem.coupling.shape != (2, 2) or (problem.coupling != problem.coupling.T).any():
        raise ValueError(f"coupling must be symmetric between two coalitions, got {problem.coupling!r}")
    best, *others = (_answering(problem, first) for first in orders)
    for end in others:
        better = end.potential > best.potential + TIE * np.abs(best.potential)
        wide = better[:, None, None, None, None]
        best = FlowEquilibrium(
            np.where(wide, end.policies, best.policies),
            np.where(better, end.potential, best.potential),
            best.rounds + end.rounds,
        )
    return best


def potential(problem: FlowProblem, policies: FloatArray) -> FloatArray:
    """Phi of open-loop policies (B, T, m, S, A), (B,)."""
    flows = problem.flows(policies)
    mu = flows.sum(-1)
    per_step = (problem.state_reward * mu).sum((2, 3)) + (problem.action_reward * flows).sum((2, 3, 4))
    for i, term in enumerate(problem.terms):
        if term is not None:
            per_step += term.value(mu[:, :, i])
    meeting = np.einsum("ij,btis,btjs->bt", np.triu(problem.coupling), mu, mu)
    return np.asarray((per_step + meeting) @ problem.weights)


def _answering(problem: FlowProblem, first: int) -> FlowEquilibrium:
    games, steps, _, n_states, n_actions = problem.shape
    policies = np.full(problem.shape, 1.0 / n_actions)
    mu = np.zeros((games, steps, 2, n_states))
    worth = np.full(games, -np.inf)
    for rounds in range(MOST_ROUNDS):
        mover = (first + rounds) % 2
        found = respond(problem, mu, mover, INNER_TOLERANCE)
        policies[:, :, mover], mu[:, :, mover] = found.policies, found.distributions
        if rounds == 0:
            continue
        before, worth = worth, potential(problem, policies)
        if (worth - before <= GAIN * np.abs(worth)).all():
            break
    return FlowEquilibrium(policies, worth, rounds + 1)
