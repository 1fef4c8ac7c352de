"""Upper bounds of the exploitability, where opponents do not react."""

from collections.abc import Sequence

import numpy as np

from mpgg_agents.mean_field.model_gradient.play import moves_are_own
from mpgg_agents.mean_field.policy import NetPolicy
from mpgg_env.analysis.mean_field.gains import Interval
from mpgg_env.analysis.mean_field.open_loop import OpenLoop
from mpgg_env.core.types import FloatArray
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.config import Episodic
from mpgg_env.games.mean_field.common.rollout import Policy


def reacts(config: Episodic, policy: Policy) -> bool:
    """Whether what a coalition does may depend on what other coalitions do: not if it is replayed.

    Nor does it if the policy sees its own coalition alone, where others do not change how that moves.
    """
    if isinstance(policy, OpenLoop):
        return False
    alone = isinstance(policy, NetPolicy) and policy.sight == "own"
    return not (alone and moves_are_own(MeanFieldBatch(config)))


def upper_gains(config: Episodic, profile: Sequence[Policy], replayed: Interval | None) -> FloatArray | None:
    """Upper bounds of the exploitability, (m, K), NaN for coalitions whose opponents may react; None without any."""
    if replayed is None:
        return None
    reacting = np.array([reacts(config, policy) for policy in profile])
    others_react = reacting.sum() - reacting > 0
    return None if others_react.all() else np.where(others_react[:, None], np.nan, replayed.upper)
