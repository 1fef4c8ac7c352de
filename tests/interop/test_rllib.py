"""RLlib's new API stack trains on the game, with a mask and without, and leaves no process behind."""

import os
import runpy
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

# At every algorithm but a process's first, Ray 2.60.0 registers its id with gymnasium once more, which warns.
pytestmark = pytest.mark.filterwarnings("ignore:.*Overriding environment rllib-multi-agent-env-v0:UserWarning")

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


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
def run(own_folder: Path) -> Iterator[Callable[[str], dict[str, float]]]:
    """Runs an example's `main`, and stops Ray even if it fails."""
    import ray

    yield lambda name: runpy.run_path(str(EXAMPLES / name))["main"]()
    ray.shutdown(wait_for_processes=True)


def _left_running(folder: Path) -> list[list[str]]:
    import psutil  # Ray's own copy, which can be imported after Ray

    commands = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    return [command for command in commands if any(str(folder) in word for word in command)]


@pytest.mark.parametrize(("example", "masks"), [("rllib_ppo.py", "joint actions"), ("rllib_masked_ppo.py", "enforced")])
def test_ppo_learns_without_an_illegal_action(
    example: str, masks: str, run: Callable[[str], dict[str, float]], own_folder: Path, seen: Callable[..., Any]
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
