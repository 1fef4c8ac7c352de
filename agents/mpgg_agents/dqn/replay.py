"""The replay buffers: those of Stable-Baselines3, with draws that can be repeated."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.type_aliases import ReplayBufferSamples

from mpgg_agents.dqn import draws
from mpgg_agents.dqn.config import DQNConfig
from mpgg_env.core.types import Float32Array, IntArray

PARTS = ("observations", "next_observations", "actions", "rewards")


class AgentReplay(ReplayBuffer):
    """The last `capacity` transitions of one kind, game or migration, of every agent: one row per round.

    Stable-Baselines3 draws from numpy's global generator, which other programs share and no checkpoint holds; here
    batch number t of a seed is always the same. There are no ends of episodes in it: a pending transition is dropped there.

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

    def push(self, inputs: Float32Array, actions: IntArray, rewards: Any, next_inputs: Float32Array) -> None:
        """Adds one transition per agent."""
        self.add(inputs, next_inputs, actions, rewards, np.zeros(self.n_envs), [])

    def with_identity(self, inputs: Float32Array, agents: Any = slice(None)) -> Float32Array:
        """The inputs of these agents with who they are, one-hot, where the configuration asks for it.

        It is not stored with the transitions, of which it would be by far the largest part.
        """
        return inputs if self._identity is None else np.concatenate([self._identity[agents], inputs], axis=1)

    def sample(self, batch_size: int, env: Any = None) -> ReplayBufferSamples:
        """The next batch of all agents' transitions together."""
        rows, agents = np.empty(batch_size, np.int64), np.empty(batch_size, np.int64)
        draws.draw_batch(self._seed, self.batches_drawn, self._kind, rows, agents, self.size(), self.n_envs)
        self.batches_drawn += 1
        return self._samples(
            self.with_identity(self.observations[rows, agents], agents),
            self.actions[rows, agents],
            self.with_identity(self.next_observations[rows, agents], agents),
            self.rewards[rows, agents][:, None],
        )

    def sample_each(self, batch_size: int) -> ReplayBufferSamples:
        """The next batch of every agent's own transitions, each part (N, batch_size, ...)."""
        rows, agents = np.empty((self.n_envs, batch_size), np.int64), np.arange(self.n_envs)[:, None]
        draws.draw_batches(self._seed, self.batches_drawn, self._kind, rows, self.size())
        self.batches_drawn += 1
        return self._samples(
            self.observations[rows, agents],
            self.actions[rows, agents],
            self.next_observations[rows, agents],
            self.rewards[rows, agents][..., None],
        )

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
        actions = arrays["actions"]
        if actions.size and not 0 <= actions.min() <= actions.max() < self._n_actions:
            raise ValueError(f"actions must be in [0, {self._n_actions - 1}], got {actions.min()} to {actions.max()}")
        for part in PARTS:
            getattr(self, part)[:size] = arrays[part]
        self.pos, self.full, self.batches_drawn = position, bool(full), batches_drawn

    def _samples(self, inputs: Any, actions: Any, next_inputs: Any, rewards: Any) -> ReplayBufferSamples:
        # The arrays are new, so that torch may use their memory.
        parts = [torch.as_tensor(part, device=self.device) for part in (inputs, actions, next_inputs, rewards)]
        return ReplayBufferSamples(*parts[:3], torch.zeros_like(parts[3]), parts[3])
