"""Best responses to replayed opponents in the games of flows: a feasible policy below, a backward induction above."""

from dataclasses import dataclass

import numpy as np

from mpgg_env.analysis.mean_field.flow_problem import FlowConfig, FlowProblem, flow_policies, flow_problem
from mpgg_env.analysis.mean_field.interior_point import TOLERANCE, solve_flows
from mpgg_env.analysis.mean_field.open_loop import OpenLoop, numpy_state
from mpgg_env.core.types import FloatArray
from mpgg_env.games.mean_field.common.rollout import Rollout


@dataclass(frozen=True, slots=True, eq=False)
class FlowResponse:
    """A response of one coalition.

    Attributes:
        policies: (B, T, S, A).
        distributions: Where they lead, (B, T, S).
        upper: No open-loop policy has a higher return, (B,).
    """

    policies: FloatArray
    distributions: FloatArray
    upper: FloatArray


def flow_response(config: FlowConfig, played: Rollout, coalition: int) -> tuple[OpenLoop, FloatArray]:
    """A best response to what the other coalitions did, and the bound that no response exceeds, (B,)."""
    start = numpy_state(played.states[0])
    problem = flow_problem(config, start)
    met = np.stack([np.stack(numpy_state(state).distributions, 1) for state in played.states[:-1]], 1)
    found = respond(problem, met, coalition)
    return OpenLoop(np.swapaxes(found.policies, 0, 1)), found.upper


def respond(
    problem: FlowProblem, distributions: FloatArray, coalition: int, tolerance: float = TOLERANCE
) -> FlowResponse:
    """A best response to the others' distributions (B, T, m, S)."""
    own = problem.response(distributions, coalition)
    if own.terms[0] is None:
        upper, policies = own.best_linear(own.state_reward)
    else:
        solution = solve_flows(own, tolerance)
        policies = flow_policies(solution.flows)
        bound, _ = own.best_linear(own.state_reward + solution.slopes)
        upper = bound + np.einsum("t,btm->bm", own.weights, solution.constants)
    flows = own.flows(policies)
    return FlowResponse(policies[:, :, 0], flows[:, :, 0].sum(-1), upper[:, 0])
