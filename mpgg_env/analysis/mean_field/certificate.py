"""Exact references of the mean-field-type games: equilibria with certificates, and bounds of best responses.

Every number of a certificate is computed anew from the game's own rules and from bounds that hold whatever the solvers
did: returns by playing the profile, lower bounds by playing the response that was found, upper bounds by an argument
that names what no response can exceed. See the page of this package for which of them are exact.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from mpgg_env.analysis.mean_field import cyber_response
from mpgg_env.analysis.mean_field.flow_problem import flow_problem
from mpgg_env.analysis.mean_field.flow_response import flow_response
from mpgg_env.analysis.mean_field.matching_reference import matching_equilibrium, matching_response
from mpgg_env.analysis.mean_field.open_loop import OpenLoop, numpy_state, recorded, replayed
from mpgg_env.analysis.mean_field.polymatrix_equilibrium import polymatrix_equilibrium
from mpgg_env.analysis.mean_field.potential_equilibrium import FlowEquilibrium, potential_equilibrium
from mpgg_env.core.types import FloatArray
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.config import Episodic
from mpgg_env.games.mean_field.common.rollout import Policy, Rollout, rollout
from mpgg_env.games.mean_field.common.state import MeanFieldState
from mpgg_env.games.mean_field.registry import game_of

Response = tuple[OpenLoop, FloatArray]
ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Certificate:
    """A profile, and what each coalition could still gain by deviating alone, for B starts.

    Attributes:
        starts: Where the episodes begin.
        profile: For each coalition a policy that replays its part, for exactly these starts in this order.
        values: Returns of the profile, (B, m).
        lower: Returns of the best responses that were found, or of the profile where it is as good, (B, m).
        upper: No response to a replay of the others has a higher return, (B, m); nowhere below `lower`.
    """

    starts: MeanFieldState
    profile: tuple[OpenLoop, ...]
    values: FloatArray
    lower: FloatArray
    upper: FloatArray

    @property
    def exploitability(self) -> FloatArray:
        """Upper bounds of what each coalition could gain, (B, m), at least 0."""
        return self.upper - self.values


@dataclass(frozen=True, slots=True)
class _Reference:
    """How a game is solved.

    Attributes:
        equilibrium: The profile for these starts.
        response: A response of one coalition to a replay of the others, and the bound of all such responses.
    """

    equilibrium: Callable[[Any, MeanFieldState], Sequence[Policy]]
    response: Callable[[Any, Rollout, int], Response]


def certified(config: Episodic, starts: MeanFieldState | None = None) -> Certificate:
    """The reference equilibrium of a game, with its certificate.

    Which equilibrium is taken where there are several is fixed, and said on the page of this package.

    Args:
        config: Parameters of any game but the MPGG.
        starts: Arrays of numpy or torch; None for the testing set.

    Raises:
        TypeError: There is no reference for this game.
        ValueError: The starts are not of step 0.
    """
    reference, batch = _reference(config), MeanFieldBatch(config)
    begin = batch.testing_state()
    if starts is not None:
        given = numpy_state(starts)
        begin = replace(batch.initial_state(given.distributions, given.context), step=given.step)
    played = rollout(batch, begin, reference.equilibrium(config, begin))
    return certificate(config, played)


def certificate(config: Episodic, played: Rollout) -> Certificate:
    """The certificate of what any profile did, replayed: small only if that is nearly an equilibrium.

    Args:
        config: Parameters of any game but the MPGG.
        played: An episode of B games, of numpy or torch.

    Raises:
        TypeError: There is no reference for this game.
        ValueError: The episode is not a whole one from step 0.
    """
    _reference(config)
    again = replayed(config, played)
    coalitions = range(again.returns.shape[1])
    bounds = [_bounds(config, again, i) for i in coalitions]
    return Certificate(
        again.states[0],
        tuple(recorded(again, i) for i in coalitions),
        again.returns,
        np.maximum(again.returns, np.stack([low for low, _ in bounds], 1)),
        _not_below(np.stack([high for _, high in bounds], 1), again.returns),
    )


def best_response_bounds(config: Episodic, played: Rollout, coalition: int) -> tuple[FloatArray, FloatArray]:
    """Bounds of the return of a best response to the other coalitions, who do again what they did.

    The others' actions are replayed, whatever the deviation does to the state. For opponents who do not look at the
    state that is the exact game; against others it is another one, and the upper bound says nothing about responses
    that make use of how they react. In population matching the two agree.

    Args:
        config: Parameters of any game but the MPGG.
        played: An episode of B games, of numpy or torch.
        coalition: Who responds.

    Returns:
        The return of a response that was played, and a number that none exceeds, (B,) each. They can meet.

    Raises:
        TypeError: There is no reference for this game.
        ValueError: The episode is not a whole one from step 0, or there is no such coalition.
    """
    _reference(config)
    again = replayed(config, played)
    count = again.returns.shape[1]
    if coalition not in range(count):
        raise ValueError(f"coalition must be in [0, {count - 1}], got {coalition!r}")
    return _bounds(config, again, coalition)


def _bounds(config: Episodic, played: Rollout, coalition: int) -> tuple[FloatArray, FloatArray]:
    policy, upper = _reference(config).response(config, played, coalition)
    profile = [recorded(played, i) for i in range(played.returns.shape[1])]
    profile[coalition] = policy
    lower = rollout(MeanFieldBatch(config), played.states[0], profile).returns[:, coalition]
    return lower, _not_below(upper, lower)


def _not_below(upper: FloatArray, reached: FloatArray) -> FloatArray:
    """Upper bounds, raised to returns that were reached: where both are exact, rounding decides which is larger.

    Raises:
        RuntimeError: A return exceeds its bound by more than rounding.
    """
    crossed = reached - upper > ROUNDING * np.maximum(1.0, np.abs(reached))
    if crossed.any():
        raise RuntimeError(f"a response reached {reached[crossed][0]!r}, above its upper bound {upper[crossed][0]!r}")
    return np.maximum(upper, reached)


def _replayed_flows(solver: Callable[[Any], FlowEquilibrium]) -> Callable[[Any, MeanFieldState], Sequence[Policy]]:
    def equilibrium(config: Any, starts: MeanFieldState) -> Sequence[Policy]:
        policies = solver(flow_problem(config, starts)).policies
        return [OpenLoop(np.swapaxes(policies[:, :, i], 0, 1)) for i in range(policies.shape[2])]

    return equilibrium


def _matching(config: Any, starts: MeanFieldState) -> Sequence[Policy]:
    return matching_equilibrium()


_CYBER_RESPONSES: Final = (cyber_response.defence_response, cyber_response.attack_response)


def _cyber(config: Any, played: Rollout, coalition: int) -> Response:
    return _CYBER_RESPONSES[coalition](config, played)


_REFERENCES: Final = {
    "population_matching": _Reference(_matching, matching_response),
    "four_rooms": _Reference(_replayed_flows(potential_equilibrium), flow_response),
    "predator_prey": _Reference(_replayed_flows(polymatrix_equilibrium), flow_response),
    "distribution_planning": _Reference(_replayed_flows(potential_equilibrium), flow_response),
    "cyber_security": _Reference(cyber_response.cyber_equilibrium, _cyber),
}


def _reference(config: Episodic) -> _Reference:
    game = game_of(config)
    if game not in _REFERENCES:
        raise TypeError(f"config must be of a game with a reference: {', '.join(_REFERENCES)}, got {game}")
    return _REFERENCES[game]
