"""Compilation changes no bit of an episode, and a cache that cannot be written breaks nothing."""

from pathlib import Path

import pytest

from tests.support import fresh_python

# Prints a digest of every array of a short episode with illegal actions, walls and empty casinos, and the cache.
EPISODE = """
import hashlib, sys, warnings
import numpy as np
import mpgg_env
from mpgg_env.core.compiled import cache_directory
warnings.simplefilter("ignore", mpgg_env.DilemmaWarning)
config = mpgg_env.MPGGConfig(n_agents=11, grid_shape=(3, 2), boundary="mask", cost_range=(0.1, 0.7), obs_game="m_n_nC")
env = mpgg_env.MPGGVectorEnv(config, 3)
digest = hashlib.sha256(env.reset(5)[0].tobytes())
rng = np.random.default_rng(6)
for _ in range(40):
    observations, rewards, _, _, infos = env.step(rng.integers(env.n_actions, size=(3, 11)))
    for array in (observations, rewards, infos["action_mask"], infos["illegal"], env.state.positions):
        digest.update(array.tobytes())
print(digest.hexdigest(), cache_directory())
"""


@pytest.fixture(scope="module")
def digest() -> str:
    return fresh_python(EPISODE, NUMBA_DISABLE_JIT="0").split()[0]


# Prints whether the game's and the trainer's loops are still to be compiled: at first, after a game, after a training.
FIRST_TIMES = """
import warnings
import mpgg_env
from mpgg_env.core.compiled import is_first_compilation
from mpgg_agents.experiments.mpgg.agents import AGENTS
from mpgg_agents.iql import IQLConfig
from mpgg_agents.iql.trainer import IQLTrainer
warnings.simplefilter("ignore", mpgg_env.DilemmaWarning)
game = mpgg_env.MPGGConfig(n_agents=3, grid_shape=(1, 2))

def tell():
    print(*map(is_first_compilation, ("mpgg_env.games.mpgg.kernels", AGENTS["iql"].kernels)))

tell()
mpgg_env.MPGGVectorEnv(game).reset(0)
tell()
IQLTrainer(game, IQLConfig(), [0], 2).advance(2)
tell()
"""


def test_compiled_and_plain_python_give_the_same_bits(digest: str) -> None:
    assert len(digest) == 64
    assert fresh_python(EPISODE, NUMBA_DISABLE_JIT="1").split()[0] == digest


def test_a_cache_that_cannot_be_written_breaks_nothing(digest: str, tmp_path: Path) -> None:
    # Below a regular file no directory can be made, not even by an administrator.
    blocked = tmp_path / "file"
    blocked.write_text("")
    nowhere = dict.fromkeys(("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "HOME"), str(blocked / "below"))
    assert fresh_python(EPISODE, NUMBA_DISABLE_JIT="0", **nowhere).split() == [digest, "None"]


def test_the_cache_goes_where_it_is_told(digest: str, tmp_path: Path) -> None:
    told, directory = fresh_python(EPISODE, NUMBA_DISABLE_JIT="0", NUMBA_CACHE_DIR=str(tmp_path)).split()
    assert told == digest
    assert Path(directory).is_relative_to(tmp_path)
    assert list(Path(directory).rglob("*.nbi"))


def test_each_module_is_compiled_for_the_first_time_once(tmp_path: Path) -> None:
    told = fresh_python(FIRST_TIMES, NUMBA_DISABLE_JIT="0", NUMBA_CACHE_DIR=str(tmp_path)).splitlines()
    assert told == ["True True", "False True", "False False"]


def test_without_compilation_there_is_no_first_one(tmp_path: Path) -> None:
    ask = (
        "from mpgg_env.core.compiled import is_first_compilation as first; print(first('mpgg_env.games.mpgg.kernels'))"
    )
    told = [fresh_python(ask, NUMBA_DISABLE_JIT=off, NUMBA_CACHE_DIR=str(tmp_path)).strip() for off in "01"]
    assert told == ["True", "False"]
