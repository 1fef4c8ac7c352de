"""Fictitious play of one replica: best responses, one after the other, and what they are responses to."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from mpgg_agents.errors import TrainingError
from mpgg_agents.fp_ddpg.config import FPDDPGConfig
from mpgg_agents.fp_ddpg.learner import DDPG
from mpgg_agents.fp_ddpg.network import MeanNet, alone, copied_weights
from mpgg_agents.fp_ddpg.policy import NetPolicy
from mpgg_agents.seed_trainer import Replica
from mpgg_agents.stored import Arrays, section
from mpgg_env.games.market.config import MarketConfig

POLICY = "policy"


class FictitiousPlay(Replica):
    """One replica of the training.

    Args:
        game: Rules of the market.
        config: Hyper-parameters.
        seed: Seed, in [0, 2**64).
    """

    def __init__(self, game: MarketConfig, config: FPDDPGConfig, seed: int) -> None:
        self.game, self.config = game, config
        self.learner = DDPG(game, config, seed)
        self.rounds_done = 0
        # Until there is a best response, the others play the initial actor; it counts no more afterwards.
        self.mean = alone(self.learner.actor)

    @property
    def exploration(self) -> float:
        """Standard deviation of the exploration noise of the next round, or the authors' epsilon."""
        return self.learner.exploration(self.progress)

    @property
    def profile(self) -> NetPolicy:
        """What the others play now, and what comes out at the end."""
        return NetPolicy(self.game, self.config, self.mean)

    @property
    def policy(self) -> NetPolicy:
        """`profile`: rates (B, N) from a state of torch's tensors."""
        return self.profile

    @property
    def progress(self) -> float:
        """Where the schedules are, in [0, 1]."""
        return self.config.progress(self.rounds_done)

    def iterate(self) -> dict[str, float]:
        """One round; its measures.

        Raises:
            TrainingError: A number is not finite.
        """
        before = self.config.responses_done(self.rounds_done)
        measures = self.learner.iterate(self.profile, self.rounds_done, self.progress)
        self.rounds_done += 1
        if self.config.responses_done(self.rounds_done) > before:
            self._finish_response(before)
        return measures

    def _finish_response(self, earlier: int) -> None:
        if not all(parameter.isfinite().all() for parameter in self.learner.actor.parameters()):
            raise TrainingError(f"the weights of best response {earlier + 1} are not finite")
        if earlier and self.config.reading == "average":
            self.mean = self.mean.with_another(copied_weights(self.learner.actor))
        else:
            self.mean = alone(self.learner.actor)
        if not self.config.keep_transitions:
            self.learner.replay.clear()
        if not self.config.keep_networks:
            self.learner.start_again()

    def learned(self) -> Arrays:
        """The weights of the policy's actors, each (K, ...), with zeros where there are none yet, and their number."""
        most = self.config.responses if self.config.reading == "average" else 1
        arrays: Arrays = {"actors": np.array(self.mean.count, np.int64)}
        for name, weight in self.mean.weights.items():
            arrays[name] = np.zeros((most, *weight.shape[1:]), np.float32)
            arrays[name][: self.mean.count] = weight.numpy()
        return arrays

    def arrays(self) -> Arrays:
        """Everything that the rest of the training depends on, by name."""
        policy = {f"{POLICY}.{name}": array for name, array in self.learned().items()}
        return {"round": np.array(self.rounds_done, np.int64), **policy, **self.learner.arrays()}

    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """The inverse of `arrays`; names, types and shapes have been checked.

        Raises:
            ValueError: The parts do not fit each other.
        """
        rounds_done = int(arrays["round"])
        mean = stored_mean(self.mean, section(arrays, POLICY))
        expected = max(1, self.config.responses_done(rounds_done)) if self.config.reading == "average" else 1
        if mean.count != expected:
            raise ValueError(f"policy.actors must be {expected} after {rounds_done} rounds, got {mean.count}")
        self.learner.restore(arrays)
        self.mean, self.rounds_done = mean, rounds_done


def stored_mean(like: MeanNet, arrays: Mapping[str, np.ndarray[Any, Any]]) -> MeanNet:
    """The mean of networks of `FictitiousPlay.learned` arrays, in a network of the form of `like`.

    Raises:
        ValueError: The arrays are not weights of this form, or not finite.
    """
    if set(arrays) != {"actors", *like.weights}:
        raise ValueError(f"the weights must be {', '.join(['actors', *like.weights])}, got {', '.join(arrays)}")
    count, weights = int(arrays["actors"]), {}
    for name, weight in like.weights.items():
        array = np.asarray(arrays[name])
        if array.dtype != np.float32 or array.shape[1:] != weight.shape[1:] or not 1 <= count <= len(array):
            raise ValueError(
                f"{name} must be float32 (K, {', '.join(map(str, weight.shape[1:]))}) with K >= actors = {count} >= 1, "
                f"got {array.dtype} {array.shape}"
            )
        if not np.isfinite(array).all():
            raise ValueError(f"{name} must be finite")
        weights[name] = torch.from_numpy(array[:count].copy())
    return MeanNet(like.net, weights)
