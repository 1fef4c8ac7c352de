"""What coalitions gain by leaving a profile: what learning finds, and beside it what is known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from mpgg_agents.mean_field.ddpg.config import DDPGConfig
from mpgg_agents.mean_field.evaluation.bounds import upper_gains
from mpgg_agents.mean_field.evaluation.config import ResponseConfig
from mpgg_agents.mean_field.evaluation.response import Engine, best_response
from mpgg_agents.mean_field.evaluation.returns import judged
from mpgg_agents.threads import limited_threads
from mpgg_env.analysis.mean_field.gains import exact_gains, replayed_gains
from mpgg_env.core.types import FloatArray
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.config import Episodic
from mpgg_env.games.mean_field.common.rollout import Policy


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Exploitability:
    """Gains of the m coalitions from the K starts of the testing set, (m, K) each. The kinds of numbers are apart.

    Attributes:
        returns: What the coalitions earn under the profile.
        lower_bound: What the best response that was found gains, by any of the engines. The exploitability is at least
            this; with one engine the mean over the starts is that of a single policy, unless starts have responses of
            their own.
        engines: How responses were found.
        exact: The exploitability itself, where there is a formula: in population matching.
        upper_bound: The exploitability is at most this. NaN for coalitions with an opponent who may react, None where
            no bound is known at all.
        replayed_lower: At least this is gained against opponents who do again what they did, whatever happens. It is no
            bound of the exploitability, which opponents who react make higher or lower; None where it is not known.
        replayed_upper: At most this is gained against such opponents; None likewise.
    """

    returns: FloatArray
    lower_bound: FloatArray
    engines: tuple[str, ...]
    exact: FloatArray | None = None
    upper_bound: FloatArray | None = None
    replayed_lower: FloatArray | None = None
    replayed_upper: FloatArray | None = None

    def means(self) -> dict[str, float]:
        """Means over coalitions and starts of all kinds of numbers that are known, by their names here."""
        kinds = ("lower_bound", "exact", "upper_bound", "replayed_lower", "replayed_upper")
        values = {kind: getattr(self, kind) for kind in kinds}
        return {kind: float(value.mean()) for kind, value in values.items() if value is not None}

    def of_coalitions(self) -> dict[str, FloatArray]:
        """The same for each coalition, (m,)."""
        return {kind: np.asarray(getattr(self, kind).mean(1)) for kind in self.means()}


def exploitability(
    config: Episodic,
    profile: Sequence[Policy],
    engines: Sequence[Engine] = ("model_gradient",),
    *,
    settings: ResponseConfig | None = None,
    ddpg: DDPGConfig | None = None,
    bounds: bool = True,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Exploitability:
    """What each coalition gains by leaving a profile that the others keep.

    Args:
        config: Parameters of the game.
        profile: One policy per coalition, of states of torch's tensors; see `through_numpy`.
        engines: How best responses are found, one or several; see `best_response`.
        settings: Numbers of the trainings by gradients; default: those of each engine.
        ddpg: Hyper-parameters of DDPG.
        bounds: Whether to compute bounds against replayed opponents, which takes seconds to minutes.
        seed: Seed of first weights and of DDPG, in [0, 2**64).
        progress: Called after each best response with the number of them done.

    Raises:
        ValueError: An argument is out of range, or there is no engine.
        TrainingError: A return is not finite.
    """
    if not engines:
        raise ValueError("engines must name at least one way to find best responses, got none")
    with limited_threads():
        played = judged(MeanFieldBatch(config, torch), profile)
        replayed = replayed_gains(config, played) if bounds else None
        options: dict[str, Any] = {"settings": settings, "ddpg": ddpg, "seed": seed}
        gains, done = [], 0
        for engine in engines:
            found = []
            for coalition in range(played.returns.shape[1]):
                found.append(best_response(config, profile, coalition, engine, **options).gain)
                done += 1
                if progress is not None:
                    progress(done)
            gains.append(np.stack(found))
    return Exploitability(
        returns=played.returns.numpy().T,
        lower_bound=np.max(gains, axis=0),
        engines=tuple(engines),
        exact=exact_gains(config, played),
        upper_bound=upper_gains(config, profile, replayed),
        replayed_lower=None if replayed is None else replayed.lower,
        replayed_upper=None if replayed is None else replayed.upper,
    )
