"""DDPG-MFTG of one replica: all players learn at once, each in a game that the others change."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from mpgg_agents.draws import generator
from mpgg_agents.errors import TrainingError
from mpgg_agents.mean_field.ddpg.config import DDPGConfig
from mpgg_agents.mean_field.ddpg.noise import noise_paths, noisy_action
from mpgg_agents.mean_field.ddpg.player import Player, Transition
from mpgg_agents.mean_field.policy import NetPolicy, profile_weights, seen_by
from mpgg_agents.seed_trainer import Replica
from mpgg_agents.stored import Arrays, section
from mpgg_agents.threads import side_by_side
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.config import Episodic

# What draws are for; no other purpose has these numbers.
WEIGHTS: Final = 40
STARTS: Final = 41
NOISE: Final = 42
REPLAY: Final = 43
LARGE: Final = 50_000  # weights of a critic from which on updates take longer than handing them to threads


class MeanFieldDDPG(Replica):
    """One replica of the training.

    Args:
        game: Parameters of the game.
        config: Hyper-parameters.
        seed: Seed of all random numbers, in [0, 2**64).
    """

    def __init__(self, game: Episodic, config: DDPGConfig, seed: int) -> None:
        self.game, self.config, self.seed = game, config, seed
        self.batch = MeanFieldBatch(game, torch, dtype=torch.float32)
        draws = generator(seed, WEIGHTS)
        self.players = [Player(self.batch, i, config, draws) for i in range(self.batch.n_coalitions)]
        self.rounds_done = 0

    @property
    def exploration(self) -> float:
        """Sigma of the noise of the next round."""
        return self.config.exploration(self.rounds_done)

    @property
    def policy(self) -> tuple[NetPolicy, ...]:
        """The profile without noise; it changes as the training goes on."""
        return tuple(player.policy for player in self.players)

    def iterate(self) -> dict[str, float]:
        """One round: parallel episodes, and updates after each of their steps.

        Returns:
            critic_loss and actor_value, mean over players and updates, NaN in rounds without any; mean_return, the
            discounted return of the exploring episodes, mean over them and over coalitions, and return_<i> of each;
            exploration.

        Raises:
            TrainingError: A number is not finite.
        """
        level = self.exploration
        returns, found, updates = self._played(level)
        self.rounds_done += 1
        critic_loss, actor_value = (found / updates).tolist() if updates else (math.nan, math.nan)
        if not all(map(math.isfinite, returns)) or not bool(found.isfinite().all()):
            raise TrainingError(f"the losses or returns of round {self.rounds_done - 1} are not finite")
        return {
            "critic_loss": critic_loss,
            "actor_value": actor_value,
            "mean_return": sum(returns) / len(returns),
            **{f"return_{i}": own for i, own in enumerate(returns)},
            "exploration": level,
        }

    def _played(self, level: float) -> tuple[list[float], Tensor, int]:
        """Each coalition's mean return of the episodes; summed losses (2,) and number of the updates in them."""
        c, game, size = self.config, self.game, self.config.parallel_episodes
        noise, starts, draws = (generator(self.seed, purpose, self.rounds_done) for purpose in (NOISE, STARTS, REPLAY))
        paths = [
            noise_paths(noise, (game.max_cycles, size, *shape), level, c.noise_reversion) for shape in self.batch.shapes
        ]
        state, found, updates = self.batch.drawn_state(starts, size), torch.zeros(2), 0
        total = torch.zeros(len(self.players), dtype=torch.float64)
        with side_by_side(self._workers) as mapped:
            for step in range(game.max_cycles):
                state, rewards = self._stepped(state, [path[step] for path in paths])
                total += game.discount**step * rewards.mean(0)
                if self.players[0].replay.size < c.waits_for:
                    continue
                for _ in range(c.updates_due(self.rounds_done * game.max_cycles + step)):
                    found += self._updated(draws, mapped)
                    updates += len(self.players)
        return total.tolist(), found, updates

    @property
    def _workers(self) -> int:
        """Players that are updated at the same time."""
        large = self.players[0].critic.weights.numel() >= LARGE
        return min(self.threads, len(self.players)) if large else 1

    @torch.no_grad()
    def _stepped(self, state: Any, noise: list[Tensor]) -> tuple[Any, Tensor]:
        """The state after a step with noise, which every player remembers, and the rewards."""
        sight = [seen_by(self.batch, state, player.coalition, self.config.sight) for player in self.players]
        actions = tuple(
            noisy_action(self.batch, player.actor.network, seen, xi, self.config.noise_on)
            for player, seen, xi in zip(self.players, sight, noise, strict=True)
        )
        following, rewards = self.batch.step(state, actions)
        for i, player in enumerate(self.players):
            next_sight = seen_by(self.batch, following, i, self.config.sight)
            player.replay.add(Transition(sight[i], actions[i].flatten(1), rewards[:, i], next_sight))
        return following, rewards

    def _updated(self, draws: np.random.Generator, mapped: Callable[..., Iterable[Tensor]]) -> Tensor:
        """One update of every player; their summed losses, (2,)."""
        factor, size = self.config.rate_factor(self.rounds_done), self.config.batch_size
        drawn = [player.replay.draw(size, draws) for player in self.players]  # in turn: they share the draws
        return torch.stack(list(mapped(lambda player, seen: player.update(seen, factor), self.players, drawn))).sum(0)

    def learned(self) -> Arrays:
        """The weights of all actors by name, copied."""
        weights = profile_weights([player.actor.network for player in self.players])
        return {name: weight.copy() for name, weight in weights.items()}

    def arrays(self) -> Arrays:
        """Everything that the rest of the training depends on, by name."""
        stored: Arrays = {"round": np.array(self.rounds_done, np.int64)}
        for i, player in enumerate(self.players):
            stored |= {f"coalition_{i}.{name}": array for name, array in player.arrays().items()}
        return stored

    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """The inverse of `arrays`; names, types and shapes have been checked.

        Raises:
            ValueError: The parts do not fit each other.
        """
        for i, player in enumerate(self.players):
            player.restore(section(arrays, f"coalition_{i}"))
        self.rounds_done = int(arrays["round"])
