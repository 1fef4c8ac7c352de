"""The game as a BenchMARL task, with its action mask and its global state.

    from benchmarl.algorithms import QmixConfig
    from benchmarl.experiment import Experiment, ExperimentConfig
    from benchmarl.models.mlp import MlpConfig
    from mpgg_env.benchmarl import MPGGTask

    game = {"n_agents": 20, "grid_shape": (2, 2), "max_cycles": 200}
    task = MPGGTask.MIGRATORY_PUBLIC_GOODS.get_task(game)
    config = ExperimentConfig.get_from_yaml()
    config.loggers, config.render, config.max_n_frames = ["csv"], False, 6000
    config.off_policy_n_optimizer_steps = 100
    Experiment(task, QmixConfig.get_from_yaml(), MlpConfig.get_from_yaml(), seed=0, config=config).run()

The defaults of BenchMARL 1.5.2 would log to Weights & Biases as well, which it does not install, film the evaluation,
for which it needs a torchvision that fits the build of torch, and train for many hours: 3,000,000 frames, 1000 updates
per 6000 of them.

All agents are one group, "agent". What TorchRL (0.11 to 0.14) does not carry over is the mask of the last state of an
episode, which is all True there; it bootstraps from that state, so that the value of one step in `max_cycles` may come
from an action that is not legal. No such action is played.
"""

import multiprocessing
import os
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.env import MPGGParallelEnv
from mpgg_env.mpgg_v0 import parallel_env

try:
    from benchmarl.environments import Task, TaskClass
    from torchrl.data import Composite
    from torchrl.envs import EnvBase, PettingZooWrapper, Transform
    from torchrl.envs.transforms import ObservationNorm
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "benchmarl":
        raise  # something that BenchMARL needs: to install BenchMARL would not help
    raise ImportError("mpgg_env.benchmarl needs BenchMARL: pip install benchmarl") from error

GROUP = "agent"


class MPGGTaskClass(TaskClass):  # type: ignore[misc]
    """One game to train on, which `MPGGTask` makes.

    Its `config` are the arguments of `mpgg_env.parallel_env`, with other defaults for two of them: `obs_scale` "unit",
    under which the global state is divided by its upper bounds as well, and `render_mode` "rgb_array".

    Raises:
        ValueError: An argument is unknown or out of range.
        TypeError: An argument has the wrong type.
    """

    def __init__(self, name: str, config: Mapping[str, Any] | None) -> None:
        super().__init__(name, {"obs_scale": "unit", "render_mode": "rgb_array", **(config or {})})
        self._game()  # or a mistake would show only when the experiment makes its environments
        self._of_training = 1

    def get_env_fun(
        self, num_envs: int, continuous_actions: bool, seed: int | None, device: Any
    ) -> Callable[[], EnvBase]:
        """A function that makes another environment at each call; BenchMARL puts `num_envs` of them side by side.

        No two of them have the same random numbers, in whichever process they are made, and those of one call differ
        from those of the next, since an experiment asks twice: for evaluation and for training.
        """
        # In turn, and no count of all calls: an experiment that is made again must play the same games.
        self._of_training = 1 - self._of_training
        return _Maker(self._make, np.random.SeedSequence(seed, spawn_key=(self._of_training,)), device)

    def supports_continuous_actions(self) -> bool:
        """No."""
        return False

    def supports_discrete_actions(self) -> bool:
        """Yes."""
        return True

    def has_render(self, env: EnvBase) -> bool:
        """Whether BenchMARL can film the board: yes, unless `render_mode` was changed."""
        return bool(self.config["render_mode"] == "rgb_array")

    def max_steps(self, env: EnvBase) -> int:
        """Length of an episode in steps, two per round."""
        return int(env.max_cycles)

    def group_map(self, env: EnvBase) -> dict[str, list[str]]:
        """One group of all agents."""
        return {GROUP: list(env.group_map[GROUP])}

    def observation_spec(self, env: EnvBase) -> Composite:
        """What each agent sees, (agents, 8)."""
        return _of_group(env, "observation")

    def info_spec(self, env: EnvBase) -> Composite:
        """The number of illegal actions of each agent in this episode, (agents,)."""
        return _of_group(env, "info")

    def action_mask_spec(self, env: EnvBase) -> Composite | None:
        """The legal actions of each agent, (agents, actions); None under `action_mask="none"`."""
        return _of_group(env, "action_mask") if "action_mask" in env.observation_spec[GROUP] else None

    def state_spec(self, env: EnvBase) -> Composite:
        """The global state, (2 + 2 casinos,): phase, occupancy and cooperators."""
        return Composite(state=env.observation_spec["state"].clone())

    def action_spec(self, env: EnvBase) -> Composite:
        """The actions of the agents, (agents,)."""
        return env.full_action_spec

    def get_env_transforms(self, env: EnvBase) -> list[Transform]:
        """The scaling of the global state under `obs_scale="unit"`."""
        if self.config["obs_scale"] != "unit":
            return []
        high = env.observation_spec["state"].space.high
        return [ObservationNorm(0.0, 1 / high, in_keys=["state"])]

    @staticmethod
    def env_name() -> str:
        """Name of the environment in BenchMARL's logs."""
        return "mpgg"

    def _game(self) -> MPGGParallelEnv:
        return parallel_env(**self.config)

    def _make(self, seed: int, device: Any) -> EnvBase:
        return PettingZooWrapper(self._game(), return_state=True, seed=seed, device=device)


class _Maker:
    """Makes environments, each with a seed of its own.

    With one seed for all, as BenchMARL gives it, environments side by side would place their agents alike. When they
    are in processes of their own, each makes its first environment with a copy: hence every copy has other seeds too.
    """

    def __init__(self, make: Callable[[int, Any], EnvBase], seeds: np.random.SeedSequence, device: Any) -> None:
        self._make, self._seeds, self._device = make, seeds, device
        self._process = os.getpid()

    def __call__(self) -> EnvBase:
        if self._process != os.getpid():
            # A forked process has a copy that nobody made.
            self._seeds = _descendant(self._seeds, *multiprocessing.current_process()._identity)
            self._process = os.getpid()
        return self._make(int(self._seeds.spawn(1)[0].generate_state(1)[0]), self._device)

    def __reduce__(self) -> tuple[Any, ...]:
        return _Maker, (self._make, self._seeds.spawn(1)[0], self._device)


def _descendant(seeds: np.random.SeedSequence, *path: int) -> np.random.SeedSequence:
    # The highest number first: `spawn` counts from 0 and never comes that far.
    return np.random.SeedSequence(seeds.entropy, spawn_key=(*seeds.spawn_key, 2**32 - 1, *path))


class MPGGTask(Task):  # type: ignore[misc]
    """BenchMARL's list of the tasks of this environment."""

    MIGRATORY_PUBLIC_GOODS = None

    @staticmethod
    def associated_class() -> type[MPGGTaskClass]:
        """The class of the task."""
        return MPGGTaskClass

    def get_task(self, config: MPGGConfig | Mapping[str, Any] | None = None) -> MPGGTaskClass:
        """The task for a game.

        Args:
            config: The rules, or a dict of arguments of `mpgg_env.parallel_env`; what is not there has its default.

        Raises:
            ValueError: An argument is unknown or out of range.
            TypeError: An argument has the wrong type.
        """
        return MPGGTaskClass(self.name, config.to_dict() if isinstance(config, MPGGConfig) else config)

    def get_from_yaml(self, path: str | None = None) -> MPGGTaskClass:
        """The task for the arguments in a YAML file, or with the defaults: BenchMARL has no file for this task.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: An argument is unknown or out of range.
            TypeError: An argument has the wrong type.
        """
        if path is None:
            return self.get_task()
        with warnings.catch_warnings():
            # BenchMARL warns that it checks no types; the task does.
            warnings.filterwarnings("ignore", "TaskConfig python dataclass not found", UserWarning)
            return super().get_from_yaml(path)  # type: ignore[no-any-return]


def _of_group(env: EnvBase, key: str) -> Composite:
    """The specs of the agents, cut down to one key."""
    specs = env.observation_spec[GROUP].clone()
    for other in set(specs.keys()) - {key}:
        del specs[other]
    return Composite({GROUP: specs})
