"""Episodes of a profile from the testing set, in numpy: what a run is judged by and what its figures show."""

from collections.abc import Sequence
from typing import Any

from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.rollout import Policy, Rollout, rollout, with_valid_rows


def evaluated_episodes(game: Any, profile: Sequence[Policy]) -> Rollout:
    """The episodes of a profile from every start of the testing set, arrays of float64.

    Not in torch: what tables have learned is judged without it, and the bits do not depend on what is installed.
    """
    batch = MeanFieldBatch(game)
    return rollout(batch, batch.testing_state(), [with_valid_rows(batch, policy) for policy in profile])
