"""RLlib's new API stack trains on the game, with a mask and without, and leaves no process behind."""

import os
import runpy
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mpgg_env
from tests.interop.records import EXAMPLES

# At every algorithm but a process's first, Ray 2.60.0 registers its id with gymnasium once more, which warns.
pytestmark = pytest.mark.filterwarnings("ignore:.*Overriding environment rllib-multi-agent-env-v0:UserWarning")


@pytest.fixture(autouse=True, scope="module")
def own_folder() -> Iterator[Path]:
    """A folder for all that Ray writes; before Ray is imported, since it looks up the home folder while imported.

    Not pytest's own temporary folder: Ray puts sockets here, whose paths may not exceed 107 characters.
    """
    with tempfile.TemporaryDirectory(prefix="ray") as folder, pytest.MonkeyPatch.context() as patch:
        # Otherwise every run would compile the game anew, in the new home folder.
        patch.setenv("XDG_CACHE_HOME", os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")))
        patch.setenv("HOME", folder)
        patch.setenv("RAY_TMPDIR", folder)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        yield Path(folder)


@pytest.fixture
def run(own_folder: Path) -> Iterator[Callable[..., dict[str, float]]]:
    """Runs an example's `main` with other functions in the place of its own, and stops Ray even if it fails."""
    import ray

    def main(name: str, arguments: dict[str, int] | None = None, **functions: Any) -> dict[str, float]:
        example = runpy.run_path(str(EXAMPLES / name))
        example["main"].__globals__.update(functions)
        result: dict[str, float] = example["main"](**(arguments or {}))
        return result

    yield main
    ray.shutdown(wait_for_processes=True)


def _left_running(folder: Path) -> list[list[str]]:
    import psutil  # Ray's own copy, which can be imported after Ray

    commands = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    return [command for command in commands if any(str(folder) in word for word in command)]


@pytest.mark.parametrize(("example", "masks"), [("rllib_ppo.py", "joint actions"), ("rllib_masked_ppo.py", "enforced")])
def test_ppo_learns_without_an_illegal_action(
    example: str, masks: str, run: Callable[..., dict[str, float]], own_folder: Path, seen: Callable[..., Any]
) -> None:
    result = run(example)
    assert not _left_running(own_folder)
    # A C among others who play C or D at random pays c (r - 1) / 2 on average: 2.75 on the left, 3.5 on the right.
    assert 2.75 < result["random"] < 3.5
    # Two of four begin on the left, hence at most (2 x 5.5 + 2 x 7 + 19 x 4 x 7) / 80 = 6.96, and 6.25 for cooperators
    # who never move. Before they are trained, the networks of this seed play for 0.0 and 3.5.
    assert result["trained"] > 6.5
    assert result["illegal"] == 0
    seen(
        stack="RLlib",
        version=version("ray"),
        algorithm="PPO" if masks == "joint actions" else "PPO, action-masking module",
        door="ParallelPettingZooEnv" if masks == "joint actions" else "MaskInObs, ParallelPettingZooEnv",
        masks=masks,
        illegal=int(result["illegal"]),
        example=example,
    )


class _MaskOfOnes(mpgg_env.MaskInObs):
    """A mask that forbids nothing, which is what a policy without one sees."""

    def _moved(self, observations: Any, infos: Any) -> Any:
        seen, notes = super()._moved(observations, infos)
        return {agent: {**values, "action_mask": np.ones(5, np.int8)} for agent, values in seen.items()}, notes


def _without_joint_actions(_: Any = None) -> Any:
    return mpgg_env.parallel_env(n_agents=4, grid_shape=(1, 2), gain_range=(5, 8), max_cycles=40)


def _with_a_mask_of_ones(_: Any = None) -> Any:
    return _MaskOfOnes(_without_joint_actions(), observation_key="observations", mask_key="action_mask")


@pytest.mark.parametrize(
    ("example", "make_env"),
    [("rllib_ppo.py", _without_joint_actions), ("rllib_masked_ppo.py", _with_a_mask_of_ones)],
)
def test_what_a_policy_without_the_mask_does_is_counted(
    example: str, make_env: Callable[..., Any], run: Callable[..., dict[str, float]]
) -> None:
    # In training alone: nothing is played before or after it.
    result = run(example, {"iterations": 1}, make_env=make_env, play=lambda module: (0.0, 0))
    assert result["illegal"] > 100
