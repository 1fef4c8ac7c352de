"""Episodes of a profile from the testing set, in numpy: what a run is judged by and what its figures show."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.rollout import Policy, Rollout, rollout
from mpgg_env.games.mean_field.common.state import MeanFieldState


def evaluated_episodes(game: Any, profile: Sequence[Policy]) -> Rollout:
    """The episodes of a profile from every start of the testing set, arrays of float64.

    Not in torch: what tables have learned is judged without it, and the bits do not depend on what is installed.
    """
    batch = MeanFieldBatch(game)
    return rollout(batch, batch.testing_state(), [_valid(batch, policy) for policy in profile])


def _valid(batch: MeanFieldBatch, policy: Policy) -> Policy:
    """The policy with rows that sum to 1 in float64, which those of a float32 network do not."""

    def action(state: MeanFieldState) -> Any:
        return batch.rules.normalised(np.asarray(policy(state), np.float64))

    return action
