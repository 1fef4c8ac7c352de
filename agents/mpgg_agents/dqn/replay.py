"""The replay buffers: those of Stable-Baselines3, with draws that can be repeated."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.type_aliases import ReplayBufferSamples

from mpgg_agents.dqn import draws
from mpgg_agents.dqn.config import DQNConfig
from mpgg_agents.dqn.descent import Batch
from mpgg_agents.stored import check_actions
from mpgg_env.core.types import Float32Array, FloatArray, IntArray

PARTS = ("observations", "next_observations", "actions", "rewards")


class AgentReplay(ReplayBuffer):
    """The last `capacity` transitions of one kind, game or migration, of every agent: one row per round.

    Stable-Baselines3 draws from numpy's global generator, which other programs share and no checkpoint holds; here
    batch number t of a seed is always the same. No transition ends an episode: what is pending then is dropped.

    Args:
        config: Hyper-parameters.
        width: Numbers in an input.
        n_actions: Actions of this kind.
        n_agents: Agents N.
        seed: Seed of the run.
        kind: `draws.GAME` or `draws.MIGRATION`.
    """

    def __init__(self, config: DQNConfig, width: int, n_actions: int, n_agents: int, seed: int, kind: int) -> None:
        super().__init__(
            config.capacity * n_agents,
            Box(-np.inf, np.inf, (width,), np.float32),
            Discrete(n_actions),
            device=config.device,
            n_envs=n_agents,
            handle_timeout_termination=False,
        )
        self.batches_drawn = 0
        self._n_actions, self._kind, self._seed = n_actions, kind, np.uint64(seed)
        self._identity = np.eye(n_agents, dtype=np.float32) if config.identity else None

    def add(
        self,
        obs: Float32Array,
        next_obs: Float32Array,
        action: IntArray,
        reward: FloatArray,
        done: Any = None,
        infos: Any = None,
    ) -> None:
        """Adds one transition per agent, without further copies; `done` and `infos` play no part.

        Args:
            obs: Inputs, (N, width).
            next_obs: The next inputs of the same phase, (N, width).
            action: Actions, (N,).
            reward: What they earned, (N,).
            done: Not read: no transition ends an episode.
            infos: Not read.
        """
        place = self.pos
        self.observations[place], self.next_observations[place] = obs, next_obs
        self.actions[place, :, 0], self.rewards[place] = action, reward
        self.pos = (place + 1) % self.buffer_size
        self.full = self.full or self.pos == 0

    @property
    def input_space(self) -> Box:
        """What a network sees of an agent."""
        width = self.obs_shape[0] + (0 if self._identity is None else self.n_envs)
        return Box(-np.inf, np.inf, (width,), np.float32)

    def with_identity(self, inputs: Float32Array, agents: Any = slice(None)) -> Float32Array:
        """The inputs (..., width) of these agents with who they are, one-hot, where the configuration asks for it.

        It is not stored with the transitions, of which it would be by far the largest part.
        """
        return inputs if self._identity is None else np.concatenate([self._identity[agents], inputs], axis=-1)

    def draw(self, batch_size: int) -> Batch:
        """The next batch of all agents' transitions together, for one network."""
        rows, agents = np.empty(batch_size, np.int64), np.empty(batch_size, np.int64)
        draws.draw_batch(self._seed, self.batches_drawn, self._kind, rows, agents, self.size(), self.n_envs)
        self.batches_drawn += 1
        return Batch(
            self.with_identity(self.observations[rows, agents], agents)[None],
            self.actions[rows, agents].T,
            self.rewards[rows, agents][None],
            self.with_identity(self.next_observations[rows, agents], agents)[None],
        )

    def draw_each(self, batch_size: int) -> Batch:
        """The next batch of every agent's own transitions, for N networks."""
        rows, agents = np.empty((self.n_envs, batch_size), np.int64), np.arange(self.n_envs)[:, None]
        draws.draw_batches(self._seed, self.batches_drawn, self._kind, rows, self.size())
        self.batches_drawn += 1
        return Batch(
            self._take(self.observations, rows),
            self.actions[rows, agents, 0],
            self.rewards[rows, agents],
            self._take(self.next_observations, rows),
        )

    def sample(self, batch_size: int, env: Any = None) -> ReplayBufferSamples:
        """The next batch of all agents' transitions together, as Stable-Baselines3 asks for it."""
        return self.samples(self.draw(batch_size), stacked=False)

    def samples(self, batch: Batch, *, stacked: bool) -> ReplayBufferSamples:
        """A batch as tensors on the device, (batch, ...), or (K, batch, ...) if stacked."""
        columns = batch._replace(actions=batch.actions[..., None], rewards=batch.rewards[..., None])
        parts: list[NDArray[Any]] = list(columns if stacked else [part[0] for part in columns])
        inputs, actions, rewards, next_inputs = (torch.as_tensor(part, device=self.device) for part in parts)
        return ReplayBufferSamples(inputs, actions, next_inputs, torch.zeros_like(rewards), rewards)

    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """The transitions, oldest place first, and the counters, by name."""
        counters = np.array([self.pos, self.full, self.batches_drawn], np.int64)
        return {"counters": counters, **{part: getattr(self, part)[: self.size()] for part in PARTS}}

    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """The inverse of `arrays`.

        Raises:
            ValueError: The parts do not fit each other or this buffer.
        """
        position, full, batches_drawn = (int(counter) for counter in arrays["counters"])
        size = self.buffer_size if full else position
        if full not in (0, 1) or not 0 <= position < self.buffer_size or batches_drawn < 0:
            raise ValueError(f"the counters of a replay buffer must be in range, got {arrays['counters'].tolist()}")
        for part in PARTS:
            if len(arrays[part]) != size:
                raise ValueError(f"{part} must have {size} rows, got {len(arrays[part])}")
        check_actions(arrays["actions"], self._n_actions)
        for part in PARTS:
            getattr(self, part)[:size] = arrays[part]
        self.pos, self.full, self.batches_drawn = position, bool(full), batches_drawn

    def _take(self, source: Float32Array, rows: IntArray) -> Float32Array:
        taken = np.empty((*rows.shape, source.shape[-1]), np.float32)
        draws.take_rows(source, rows, taken)
        return taken
