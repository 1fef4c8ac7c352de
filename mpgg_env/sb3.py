"""The door to Stable-Baselines3: agents x replicas of the array engine as one `VecEnv`.

Needs the extra `mpgg-env[deep]`; `import mpgg_env` does not load this module.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from gymnasium.spaces import Box, Discrete

from mpgg_env.core.types import BoolArray, Float32Array, IntArray, UInt8Array
from mpgg_env.core.validation import check_choice, check_integer
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.render import rgb_frame
from mpgg_env.games.mpgg.vector import MPGGVectorEnv

try:
    from stable_baselines3.common.vec_env import VecEnv
    from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "stable_baselines3":
        raise  # something that Stable-Baselines3 needs: the extra is installed already
    raise ImportError('mpgg_env.sb3 needs Stable-Baselines3: pip install "mpgg-env[deep]"') from error

__all__ = ["SB3VecEnv"]


class SB3VecEnv(VecEnv):
    """B replicas of N agents as B x N sub-environments: one policy plays for every agent, each from what it sees.

    Sub-environment b * N + i is agent i of replica b. With seed s, replica b plays exactly the episode that an
    `MPGGParallelEnv` reset with seed s + b plays; later episodes go on with its generator. All sub-environments end
    together, and the last step of an episode returns the first observations of the next.

    **Infos** are empty but in the last step of an episode. There they hold `TimeLimit.truncated` (True: nobody ever
    terminates, so that Stable-Baselines3 bootstraps), `terminal_observation` (float32, (8,)) and `illegal`, the
    number of the agent's actions in the episode that were illegal and replaced: in a log with
    `VecMonitor(env, info_keywords=("illegal",))`, and at any time from `get_attr("illegal")`.

    **Masks**: `action_masks()`, which `MaskablePPO` of sb3-contrib finds by itself. For algorithms that know no
    masks there is `action_mode="joint"`, in which every action is legal unless `boundary="mask"` forbids moves.

    **Speed**: with 150 agents, a step takes 1.2 times (B = 1) to 1.8 times (B = 16) as long as the engine's; with the
    masks, which `MaskablePPO` gets row by row and stacks again, 5 to 12 times (`python -m benchmarks sb3`).

    **Attributes**: `engine`, the `MPGGVectorEnv`; `get_attr` reads its attributes, `set_attr` sets `max_cycles`.
    `set_options({"positions": casinos})` places the agents at the next reset.

    Args:
        config: Rules of the game.
        n_replicas: Number of replicas B.
        action_mode: "masked" or "joint", as in `MPGGVectorEnv`.
        strict: Raise ValueError on an illegal action instead of replacing it.
        obs_scale: "natural" units or "unit" (every slot divided by its upper bound).
        render_mode: "rgb_array": `get_images()` gives the board of each replica, `render()` all of them as tiles.
    """

    def __init__(
        self,
        config: MPGGConfig,
        n_replicas: int = 1,
        *,
        action_mode: Literal["masked", "joint"] = "masked",
        strict: bool = False,
        obs_scale: Literal["natural", "unit"] = "natural",
        render_mode: Literal["rgb_array"] | None = None,
    ) -> None:
        if render_mode is not None:
            check_choice("render_mode", render_mode, ["rgb_array"])
        self.engine = MPGGVectorEnv(config, n_replicas, action_mode=action_mode, strict=strict, obs_scale=obs_scale)
        self.render_mode: str | None = render_mode  # the base class asks get_attr for it
        self._actions: IntArray | None = None
        high = self.engine.observer.high
        super().__init__(
            num_envs=self.engine.n_replicas * self.engine.n_agents,
            observation_space=Box(np.zeros_like(high), high, dtype=np.float32),
            action_space=Discrete(self.engine.n_actions),
        )

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Seeds the next reset: replica b gets seed + b; without a seed, a fresh one from the operating system.

        Returns:
            The seed of each sub-environment's replica, (B * N,).
        """
        first = check_integer("seed", _fresh_seed() if seed is None else seed, 0)
        self._seeds = [first + b for b in range(self.engine.n_replicas) for _ in range(self.engine.n_agents)]
        return self._seeds.copy()

    def set_options(self, options: list[dict[str, Any]] | dict[str, Any] | None = None) -> None:
        """Options of the next reset, one dict for all: `{"positions": casinos}`, (N,) or (B, N); others are ignored."""
        if options is not None and not isinstance(options, dict):
            raise TypeError(f"options must be one dict for all sub-environments, got {options!r}")
        super().set_options(options)

    def reset(self) -> Float32Array:
        """Starts an episode in every replica, with the seeds and options given since the last call.

        Returns:
            Observations, (B * N, 8).
        """
        seeds = [seed for seed in self._seeds[:: self.engine.n_agents] if seed is not None]
        observations, _ = self.engine.reset(seeds or None, self._options[0].get("positions"))
        self._reset_seeds()
        self._reset_options()
        return self._flat(observations)

    def step_async(self, actions: np.ndarray[Any, Any]) -> None:
        """Takes the actions, (B * N,) integers in [0, n_actions), for `step_wait` to play."""
        chosen = np.asarray(actions)
        if chosen.shape != (self.num_envs,):
            raise ValueError(f"actions must have shape {(self.num_envs,)}, got {chosen.shape}")
        self._actions = chosen.reshape(self.engine.n_replicas, self.engine.n_agents)

    def step_wait(self) -> VecEnvStepReturn:
        """Plays the coming phase.

        Returns:
            Observations (B * N, 8), rewards (B * N,) float32, whether the episode has ended (B * N,), and infos.

        Raises:
            TypeError: The actions are not integers.
            ValueError: An action is out of range, or illegal in this phase under `strict`.
            RuntimeError: No actions were given, or the environment has not been reset.
        """
        if self._actions is None:
            raise RuntimeError("call step_async(actions) first: there are no actions to play")
        actions, self._actions = self._actions, None
        observations, payoffs, _, truncated, notes = self.engine.step(actions)
        rewards = payoffs.reshape(-1).astype(np.float32)
        dones = np.repeat(truncated, self.engine.n_agents)
        if not self.engine.ended:
            # A dict each, although empty: wrappers and callbacks write into the infos and replay buffers keep them, and
            # a dict that is shared or used again would show what is written for one sub-environment in the others.
            return self._flat(observations), rewards, dones, [{} for _ in range(self.num_envs)]
        infos = _final_infos(self._flat(observations), notes["illegal"].reshape(-1))
        return self._flat(self.engine.reset()[0]), rewards, dones, infos

    def action_masks(self) -> BoolArray:
        """Which actions are legal in the coming phase, (B * N, n_actions), in a new array."""
        return self.engine.action_masks().view(np.bool_).reshape(self.num_envs, -1)

    def close(self) -> None:
        """Nothing to release."""

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """An attribute of the engine, which the sub-environments share; of `illegal`, each has its own count."""
        chosen = self._chosen(indices)
        if attr_name == "illegal":
            counts = self.engine.illegal.reshape(-1).tolist()
            return [counts[i] for i in chosen]
        value = self.render_mode if attr_name == "render_mode" else getattr(self.engine, attr_name)
        return [value for _ in chosen]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Sets `max_cycles`, the length of an episode in steps, of all sub-environments."""
        if attr_name != "max_cycles":
            raise AttributeError(f"only 'max_cycles' can be set, got {attr_name!r}")
        if set(self._chosen(indices)) != set(range(self.num_envs)):
            raise ValueError(f"indices must be None or all, since they share max_cycles, got {indices!r}")
        self.engine.max_cycles = check_integer("max_cycles", value, 1)

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Calls `action_masks`, the only method of single sub-environments; each gives its (n_actions,) row."""
        if method_name != "action_masks":
            raise AttributeError(f"sub-environments have the method 'action_masks' alone, got {method_name!r}")
        masks = self.action_masks(*method_args, **method_kwargs)
        return list(masks) if indices is None else [masks[i] for i in self._chosen(indices)]

    def env_is_wrapped(self, wrapper_class: Any, indices: VecEnvIndices = None) -> list[bool]:
        """False for each: the sub-environments are rows of arrays, and only the whole can be wrapped."""
        return [False for _ in self._chosen(indices)]

    def get_images(self) -> Sequence[UInt8Array]:
        """The board of each replica, (height, width, 3) each: its agents are on one board."""
        if self.render_mode != "rgb_array":
            raise ValueError(f"get_images() needs render_mode='rgb_array', got {self.render_mode!r}")
        return [rgb_frame(self.engine.config, self.engine.state, b) for b in range(self.engine.n_replicas)]

    def _flat(self, observations: Float32Array) -> Float32Array:
        return observations.reshape(self.num_envs, -1)

    def _chosen(self, indices: VecEnvIndices) -> list[int]:
        every = range(self.num_envs)
        return [every[i] for i in self._get_indices(indices)]  # an index out of range raises IndexError


def _final_infos(observations: Float32Array, illegal: IntArray) -> list[dict[str, Any]]:
    return [
        {"TimeLimit.truncated": True, "terminal_observation": row, "illegal": count}
        for row, count in zip(observations, illegal.tolist(), strict=True)
    ]


def _fresh_seed() -> int:
    # The base class draws it from numpy's global generator, which would change the random numbers of other programs.
    return int(np.random.default_rng().integers(2**32))
