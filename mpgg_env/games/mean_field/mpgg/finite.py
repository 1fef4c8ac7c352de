"""The finite side of the migratory public goods game between coalitions: the game itself, agent by agent."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.games.mean_field.common.draws import choice_thresholds
from mpgg_env.games.mean_field.common.population import (
    AGENTS_AT_ONCE,
    Crowd,
    FinitePopulation,
    FloatArrays,
)
from mpgg_env.games.mean_field.common.rollout import Policy
from mpgg_env.games.mean_field.common.state import MeanFieldState
from mpgg_env.games.mean_field.mpgg.config import MeanFieldMPGGConfig
from mpgg_env.games.mpgg.vector import MPGGVectorEnv

Number = TypeVar("Number", np.int64, np.float64)


class FiniteMPGG(FinitePopulation):
    """The MPGG of [MPGG2025] section 2.1 played by coalitions whose agents draw from their coalition's policy.

    An agent in casino m cooperates with probability pi(C | m) and draws its move independently. Agents of coalition 0
    have the lowest numbers, then those of coalition 1, and so on. The reward of a coalition is the mean of its
    agents' payoffs.

    Raises:
        ValueError: The sizes differ by an agent or more from the weights of the coalitions times their sum.
    """

    def __init__(
        self, config: MeanFieldMPGGConfig, sizes: Sequence[int], *, agents_at_once: int = AGENTS_AT_ONCE
    ) -> None:
        super().__init__(config, sizes, agents_at_once=agents_at_once)
        self.config: MeanFieldMPGGConfig = config
        self.game = config.finite(sum(self.sizes))
        if (np.abs(np.array(self.sizes) - sum(self.sizes) * np.array(config.shares)) >= 1).any():
            raise ValueError(f"sizes must be in the proportions {config.shares} of the weights, got {self.sizes}")

    def episode(
        self, crowd: Crowd, policies: Sequence[Policy], length: int
    ) -> tuple[list[MeanFieldState], list[FloatArrays], FloatArray]:
        """Plays an episode; see `FinitePopulation.episode`."""
        env = self._env(crowd, length)
        states, flows, rewards = [self.empirical(crowd)], [], []
        for _ in range(length):
            actions = self.actions(states[-1], policies)
            decided = [self._decisions(crowd, i, action) for i, action in enumerate(actions)]
            payoffs = env.step(np.concatenate([cooperates for cooperates, _, _ in decided], 1))[1]
            env.step(np.concatenate([moves for _, moves, _ in decided], 1))
            crowd = Crowd(crowd.step + 1, self._by_coalition(env.state.positions), crowd.keys, crowd.context)
            states.append(self.empirical(crowd))
            flows.append(tuple(flow for _, _, flow in decided))
            rewards.append(np.stack([own.mean(1) for own in self._by_coalition(payoffs)], 1))
        return states, flows, np.stack(rewards, 1)

    def _env(self, crowd: Crowd, length: int) -> MPGGVectorEnv:
        """The game at the start of an episode of so many rounds. It draws nothing: no action is illegal."""
        game = self.config.finite(sum(self.sizes), rounds=length)
        env = MPGGVectorEnv(game, len(crowd.keys), strict=True)
        env.reset(0, np.concatenate(crowd.places, 1))
        return env

    def _decisions(self, crowd: Crowd, coalition: int, action: FloatArray) -> tuple[IntArray, IntArray, FloatArray]:
        """Whether each agent cooperates (B, N_k), its move (B, N_k), and the realised flow (B, M, 1 + moves)."""
        here, chance = crowd.places[coalition], action[:, :, 0]
        cooperates, moves = np.empty_like(here), np.empty_like(here)
        counts = np.zeros(action[:, :, 1:].shape, np.int64)
        for block, chosen, uniform in self.drawn(crowd, coalition, choice_thresholds(action[:, :, 1:]), counts):
            moves[:, block] = chosen
            cooperates[:, block] = uniform < np.take_along_axis(chance, here[:, block], 1)
        return cooperates, moves, np.concatenate([self._giving(here, cooperates), counts], 2) / here.shape[1]

    def _giving(self, places: IntArray, cooperates: IntArray) -> IntArray:
        """Cooperators in each casino, (B, M, 1)."""
        from mpgg_env.games.mean_field.common.kernels import count

        counts = np.empty((len(places), 2 * self.game.n_casinos), np.int64)
        count(2 * places + cooperates, counts)
        return counts[:, 1::2, None]

    def _by_coalition(self, agents: NDArray[Number]) -> tuple[NDArray[Number], ...]:
        """What all agents have, (B, N), as copies for each coalition, (B, N_k)."""
        return tuple(part.copy() for part in np.split(agents, np.cumsum(self.sizes)[:-1], axis=1))
