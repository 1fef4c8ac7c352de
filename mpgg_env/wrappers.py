"""Wrappers for libraries that expect something else than the environment's own interface."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import DTypeLike
from pettingzoo.utils.env import ParallelEnv
from pettingzoo.utils.wrappers import BaseParallelWrapper

MASK_IN_INFO = "action_mask"


class MaskInObs(BaseParallelWrapper[str, dict[str, Any], int]):
    """Moves the action mask out of the info and into the observation, a `Dict` of observation and mask.

    Tianshou, the MaskablePPO tutorial and RLlib's masked module look for the mask there. Afterwards it is in the
    observation alone: in both places it would break TorchRL.

    Args:
        env: Environment whose infos hold an `action_mask`, at `reset` and every `step`.
        observation_key: Key of the wrapped environment's own observation.
        mask_key: Key of the mask, (n_actions,), 1 or True for a legal action.
        mask_dtype: Element type of the mask.

    Raises:
        ValueError: The two keys are equal; at `reset` or `step`, an info has no mask.
    """

    def __init__(
        self,
        env: ParallelEnv[str, Any, int],
        *,
        observation_key: str = "observation",
        mask_key: str = "action_mask",
        mask_dtype: DTypeLike = np.int8,
    ) -> None:
        super().__init__(env)
        if observation_key == mask_key:
            raise ValueError(f"mask_key must differ from observation_key, got {mask_key!r} for both")
        self.observation_key = observation_key
        self.mask_key = mask_key
        self.mask_dtype = np.dtype(mask_dtype)
        # Under this name, or a library that reads it would get the wrapped environment's.
        self.observation_spaces = {agent: self._space(agent) for agent in env.possible_agents}

    def observation_space(self, agent: str) -> spaces.Space[dict[str, Any]]:
        """The observation space of an agent, the same object at every call."""
        return self.observation_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
        """Starts an episode; the masks are in the observations."""
        return self._moved(*self.env.reset(seed=seed, options=options))

    def step(self, actions: dict[str, int]) -> Any:
        """Plays the coming phase; the masks are in the observations."""
        observations, rewards, terminations, truncations, infos = self.env.step(actions)
        with_masks, without_masks = self._moved(observations, infos)
        return with_masks, rewards, terminations, truncations, without_masks

    def _space(self, agent: str) -> spaces.Space[dict[str, Any]]:
        n_actions = self.env.action_space(agent).n  # type: ignore[attr-defined]
        mask = spaces.Box(0, 1, (n_actions,), self.mask_dtype.type)
        return spaces.Dict({self.observation_key: self.env.observation_space(agent), self.mask_key: mask})

    def _moved(
        self, observations: Mapping[str, Any], infos: Mapping[str, Mapping[str, Any]]
    ) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
        for agent, info in infos.items():
            if MASK_IN_INFO not in info:
                raise ValueError(
                    f"the info of {agent} has no {MASK_IN_INFO!r}: the environment needs action_mask='info'"
                )
        with_masks = {
            agent: {
                self.observation_key: observation,
                self.mask_key: infos[agent][MASK_IN_INFO].astype(self.mask_dtype),
            }
            for agent, observation in observations.items()
        }
        rest = {agent: {k: v for k, v in info.items() if k != MASK_IN_INFO} for agent, info in infos.items()}
        return with_masks, rest
