"""BenchMARL's task of the game: what its algorithms ask of it, five of them training, and nothing illegal played."""

import inspect
import pickle
import runpy
import textwrap
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch

import mpgg_env
from mpgg_env import MPGGConfig
from tests.interop.records import EXAMPLES
from tests.small_game import SMALL
from tests.support import exactly, fresh_python

with warnings.catch_warnings():
    # Importing BenchMARL must not depend on which deprecations TorchRL announces.
    warnings.simplefilter("ignore")
    from benchmarl.algorithms import IqlConfig
    from benchmarl.experiment import Experiment, ExperimentConfig
    from benchmarl.models.mlp import MlpConfig
    from torchrl.envs import ParallelEnv, check_env_specs

    from mpgg_env.benchmarl import MPGGTask, MPGGTaskClass

# TorchRL 0.11.1 warns of PettingZoo > 1.24.3, and BenchMARL 1.5.2 uses what TorchRL and torch call deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore:PettingZoo in TorchRL is tested using version:UserWarning"),
    pytest.mark.filterwarnings("ignore:SyncDataCollector has been deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:size_average and reduce args will be deprecated:UserWarning"),
]

# More casinos than agents, so that every agent begins at random.
SPARSE = {"grid_shape": (5, 6)}
ALGORITHMS = ["ippo", "mappo", "iql", "vdn", "qmix"]


def _task(**changes: Any) -> MPGGTaskClass:
    return MPGGTask.MIGRATORY_PUBLIC_GOODS.get_task({**SMALL, **changes})


def _env(task: MPGGTaskClass, seed: int | None = 0) -> Any:
    return task.get_env_fun(1, False, seed, "cpu")()


def _shapes(specs: Any) -> dict[Any, tuple[int, ...]]:
    return {key: tuple(specs[key].shape) for key in specs.keys(True, True)}


@pytest.mark.parametrize("mode", ["masked", "joint"])
def test_the_task_tells_what_the_algorithms_ask(mode: str) -> None:
    task = _task(action_mode=mode)
    env, actions = _env(task), {"masked": 5, "joint": 10}[mode]
    assert _shapes(task.observation_spec(env)) == {("agent", "observation"): (7, 8)}
    assert _shapes(task.info_spec(env)) == {("agent", "info", "illegal"): (7,)}
    assert _shapes(task.action_mask_spec(env)) == {("agent", "action_mask"): (7, actions)}
    assert _shapes(task.state_spec(env)) == {"state": (2 + 2 * 6,)}
    assert task.action_spec(env)["agent", "action"].n == actions
    assert task.group_map(env) == {"agent": [f"agent_{i}" for i in range(7)]}
    assert task.max_steps(env) == SMALL["max_cycles"]
    assert task.supports_discrete_actions()
    assert not task.supports_continuous_actions()
    check_env_specs(env)


def test_without_a_mask_there_is_no_spec_of_it() -> None:
    task = _task(action_mask="none")
    assert task.action_mask_spec(_env(task)) is None


@pytest.mark.parametrize(
    "config", [None, {}, MPGGConfig(), MPGGConfig(n_agents=9, grid_shape=(1, 4), gain=[2, 3, 4, 5])]
)
def test_a_task_takes_any_configuration(config: Any) -> None:
    task = MPGGTask.MIGRATORY_PUBLIC_GOODS.get_task(config)
    expected = config if isinstance(config, MPGGConfig) else MPGGConfig()
    assert _env(task).config == expected
    assert pickle.loads(pickle.dumps(task)) == task


def test_a_task_is_read_from_yaml(tmp_path: Path) -> None:
    listed = MPGGTask.MIGRATORY_PUBLIC_GOODS
    assert listed.get_from_yaml() == listed.get_task()
    path = tmp_path / "game.yaml"
    path.write_text("n_agents: 9\ngrid_shape: [1, 4]\n")
    assert _env(listed.get_from_yaml(str(path))).config == MPGGConfig(n_agents=9, grid_shape=(1, 4))


def test_a_changed_length_of_the_episode_is_told() -> None:
    task = _task()
    task.config["max_cycles"] = 6
    assert task.max_steps(_env(task)) == 6


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"n_agent": 3}, "unknown argument 'n_agent'; did you mean 'n_agents'?"),
        ({"n_agents": 0}, "n_agents must be in [1, 2147483647], got 0"),
        ({"obs_scale": "log"}, "obs_scale must be one of 'natural', 'unit', got 'log'"),
    ],
)
def test_a_mistake_shows_when_the_task_is_made(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=exactly(text)):
        _task(**changes)


def test_environments_side_by_side_begin_differently_and_seeds_repeat() -> None:
    make, again = (_task(**SPARSE).get_env_fun(2, False, 3, "cpu") for _ in range(2))
    first, second = (make().reset()["agent", "observation"] for _ in range(2))
    assert not torch.equal(first, second)
    assert torch.equal(first, again().reset()["agent", "observation"])


def _starts(envs: Any) -> list[Any]:
    return list(envs.reset()["agent", "observation"])


def _all_differ(starts: list[Any]) -> bool:
    return not any(torch.equal(left, right) for i, left in enumerate(starts) for right in starts[:i])


def _plain(make: Any) -> Any:
    return make


def _within_a_lambda(make: Any) -> Any:
    return lambda: make()  # as BenchMARL wraps it for recurrent networks


@pytest.mark.filterwarnings("ignore:A lambda function was passed to ParallelEnv:UserWarning")
@pytest.mark.parametrize(("wrapped", "method"), [(_plain, "spawn"), (_plain, "fork"), (_within_a_lambda, "spawn")])
def test_environments_in_processes_of_their_own_begin_differently_and_seeds_repeat(wrapped: Any, method: str) -> None:
    def starts() -> list[Any]:
        envs = ParallelEnv(3, wrapped(_task(**SPARSE).get_env_fun(3, False, 3, "cpu")), mp_start_method=method)
        found = _starts(envs)
        envs.close()
        return found

    first = starts()
    assert _all_differ(first)
    if wrapped is _plain and method == "spawn":  # forked ones differ by their number among all processes of this one
        assert all(map(torch.equal, first, starts()))


def test_evaluation_and_training_begin_differently_and_an_experiment_repeats(tmp_path: Path) -> None:
    def starts(task: MPGGTaskClass) -> list[Any]:
        experiment = _experiment(tmp_path, task, render=False)
        found = [experiment.test_env.reset()["agent", "observation"], *_starts(experiment.env_func())]
        experiment.close()
        return found

    task = _task(**SPARSE)
    first = starts(task)
    assert len(first) == 3
    assert _all_differ(first)
    assert all(map(torch.equal, first, starts(task)))
    # TorchRL happens to make one environment more than it uses; without that one, they must differ as well.
    assert _all_differ([_env(task).reset()["agent", "observation"] for _ in range(2)])


def test_the_state_is_scaled_as_the_observations_are(tmp_path: Path) -> None:
    env = _experiment(tmp_path, _task()).test_env
    states = env.rollout(3)["next", "state"]
    assert torch.equal(states[:, :2], torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]))
    # Shares of the 7 agents.
    assert torch.allclose(states[:, 2:8].sum(-1), torch.ones(3))
    assert torch.allclose(states[-1], torch.from_numpy(env.base_env.state()) / torch.tensor([1.0] * 2 + [7.0] * 12))
    natural = _experiment(tmp_path, _task(obs_scale="natural")).test_env
    assert torch.equal(natural.reset()["state"][2:8].sum(), torch.tensor(7.0))


def _experiment(folder: Path, task: MPGGTaskClass, **changes: Any) -> Any:
    config = ExperimentConfig.get_from_yaml()
    settings = {
        "save_folder": str(folder),
        "loggers": ["csv"],
        "max_n_frames": 80,
        "off_policy_collected_frames_per_batch": 40,
        "off_policy_n_envs_per_worker": 2,
        "off_policy_n_optimizer_steps": 2,
        "evaluation_interval": 40,
        "evaluation_episodes": 2,
        **changes,
    }
    for name, value in settings.items():
        setattr(config, name, value)
    return Experiment(task, IqlConfig.get_from_yaml(), MlpConfig.get_from_yaml(), 0, config)


def test_benchmarl_evaluates_and_reloads(tmp_path: Path) -> None:
    # Films are written with torchvision, whose wheel does not load beside a CPU build of torch: see the frames below.
    experiment = _experiment(tmp_path, _task(), checkpoint_at_end=True, render=False)
    experiment.run()
    assert list(experiment.folder_name.rglob("*eval_reward_episode_reward_mean*"))
    counts = [path.read_text() for path in experiment.folder_name.rglob("*info_illegal*.csv")]
    assert counts == ["0,0.0\n1,0.0\n"]
    (checkpoint,) = experiment.folder_name.rglob("checkpoint_*.pt")
    assert Experiment.reload_from_file(str(checkpoint)).task == experiment.task


def test_benchmarl_gets_frames_of_the_board() -> None:
    task = _task()
    env = _env(task)
    env.reset()
    frame = task.render_callback(None, env, None)
    assert task.has_render(env)
    assert frame.dtype == "uint8"
    assert frame.ndim == 3
    assert not _task(render_mode=None).has_render(env)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)  # the networks are small


@pytest.mark.filterwarnings("ignore::mpgg_env.DilemmaWarning")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_algorithms_learn(algorithm: str, seen: Callable[..., None]) -> None:
    result = runpy.run_path(str(EXAMPLES / "benchmarl_algorithms.py"))["main"](algorithm)
    assert result["illegal"] == 0
    # The best play: all cooperate, and from the second round on in the casino that pays 7, (6.25 + 19 * 7) / 20 = 6.96.
    assert 1.3 * result["random"] < 6 < result["trained"] < 7
    seen(
        stack="BenchMARL",
        version=version("benchmarl"),
        algorithm=algorithm.upper(),
        door="mpgg_env.benchmarl.MPGGTask",
        masks="enforced",
        illegal=int(result["illegal"]),
        example="benchmarl_algorithms.py",
        note=f"TorchRL {version('torchrl')}",
    )


def test_what_a_policy_without_the_mask_does_is_counted() -> None:
    example = runpy.run_path(str(EXAMPLES / "benchmarl_algorithms.py"))
    example["GAME"]["action_mask"] = "none"
    settings, counts = example["experiment_config"], []

    def one_iteration(folder: str) -> Any:
        config = settings(folder)
        config.max_n_frames = config.off_policy_collected_frames_per_batch
        return config

    def counted(rollout: Any) -> float:
        counts.append(example["illegal"](rollout))
        return counts[-1]

    example["main"].__globals__.update(experiment_config=one_iteration, illegal=counted)
    total = example["main"]("iql")["illegal"]
    # In random play and in training; and greedy play is counted as well.
    assert len(counts) == 3
    assert min(counts[:2]) > 100
    assert total == sum(counts)


def test_unknown_algorithms_are_refused() -> None:
    text = "algorithm must be one of ippo, mappo, iql, vdn, qmix, got 'sac'"
    with pytest.raises(ValueError, match=exactly(text)):
        runpy.run_path(str(EXAMPLES / "benchmarl_algorithms.py"))["main"]("sac")


def test_the_documented_lines_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = inspect.getdoc(mpgg_env.benchmarl).split("\n\n    ", 1)[1].split("\n\nThe defaults")[0]
    monkeypatch.chdir(tmp_path)
    exec(textwrap.dedent(f"    {lines}"), {})
    assert list(tmp_path.rglob("*eval_reward_episode_reward_mean*.csv"))


def test_an_absent_library_of_another_name_is_not_taken_for_benchmarl() -> None:
    code = """
import sys
sys.modules["tensordict"] = None
try:
    import mpgg_env.benchmarl
except ModuleNotFoundError as error:
    print(error.name.partition(".")[0])
"""
    assert fresh_python(code) == "tensordict\n"


def test_without_benchmarl_the_error_names_the_command() -> None:
    code = """
import sys
sys.modules["benchmarl"] = None
try:
    import mpgg_env.benchmarl
except ImportError as error:
    print(error)
"""
    assert fresh_python(code) == "mpgg_env.benchmarl needs BenchMARL: pip install benchmarl\n"
