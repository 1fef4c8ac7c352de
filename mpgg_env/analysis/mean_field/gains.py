"""What is known about the gains of best responses without learning: exact values, and bounds against replays."""

from typing import NamedTuple

import numpy as np

from mpgg_env.analysis.mean_field.certificate import best_response_bounds
from mpgg_env.analysis.mean_field.matching_reference import matching_exploitability
from mpgg_env.analysis.mean_field.open_loop import as_numpy
from mpgg_env.core.types import FloatArray
from mpgg_env.games.mean_field.common.config import Episodic
from mpgg_env.games.mean_field.common.rollout import Rollout
from mpgg_env.games.mean_field.population_matching.config import PopulationMatchingConfig
from mpgg_env.games.mean_field.registry import game_of


class Interval(NamedTuple):
    """Two bounds, (m, K) each.

    Attributes:
        lower: At least this.
        upper: At most this.
    """

    lower: FloatArray
    upper: FloatArray


def exact_gains(config: Episodic, played: Rollout) -> FloatArray | None:
    """What each coalition gains by the best of all responses, (m, K), in population matching; None in other games."""
    if not isinstance(config, PopulationMatchingConfig):
        return None
    return matching_exploitability(config, played).T


def replayed_gains(config: Episodic, played: Rollout) -> Interval | None:
    """Bounds of what each coalition gains against opponents who do again what they did, (m, K); None in the MPGG.

    They are bounds of the exploitability only where the opponents do not react.
    """
    if game_of(config) == "mpgg":
        return None
    returns = as_numpy(played.returns).T
    bounds = [best_response_bounds(config, played, i) for i in range(len(returns))]
    lower, upper = (np.stack([bound[k] for bound in bounds]) - returns for k in range(2))
    return Interval(lower, upper)
