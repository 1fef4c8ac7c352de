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


# Prints which loops of the game and of two kinds of agent are still to be compiled: at first, after a game has begun,
# after deep Q-learning has drawn a batch. Those of the tables take too long to be compiled for this.
FIRST_TIMES = """
import warnings
import numpy as np
import mpgg_env
from mpgg_agents.dqn import draws
from mpgg_agents.experiments.mpgg.agents import AGENTS
from mpgg_env.core.compiled import is_first_compilation
warnings.simplefilter("ignore", mpgg_env.DilemmaWarning)

def tell():
    modules = ("mpgg_env.games.mpgg.kernels", AGENTS["dqn"].kernels, AGENTS["iql"].kernels)
    print(*map(is_first_compilation, modules))

tell()
mpgg_env.MPGGVectorEnv(mpgg_env.MPGGConfig(n_agents=3, grid_shape=(1, 2))).reset(0)
tell()
draws.draw_batch(np.uint64(0), 0, 0, np.empty(1, np.int64), np.empty(1, np.int64), 1, 1)
tell()
"""
# Prints the same of the tables' loops after a training, and whether compiled code is kept at all.
TRAINED = """
import warnings
import mpgg_env
from mpgg_agents.experiments.mpgg.agents import AGENTS
from mpgg_agents.iql import IQLConfig
from mpgg_agents.iql.trainer import IQLTrainer
from mpgg_env.core.compiled import cache_directory, is_first_compilation
warnings.simplefilter("ignore", mpgg_env.DilemmaWarning)
IQLTrainer(mpgg_env.MPGGConfig(n_agents=3, grid_shape=(1, 2)), IQLConfig(), [0], 2).advance(2)
print(is_first_compilation(AGENTS["iql"].kernels), cache_directory() is None)
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


# One test, because the second process finds what the first one took its time to compile.
def test_each_module_is_compiled_for_the_first_time_once_and_the_cache_goes_where_it_is_told(
    digest: str, tmp_path: Path
) -> None:
    first_times = fresh_python(FIRST_TIMES, NUMBA_DISABLE_JIT="0", NUMBA_CACHE_DIR=str(tmp_path)).splitlines()
    assert first_times == ["True True True", "False True True", "False False True"]
    compiled = {path: path.read_bytes() for path in tmp_path.rglob("kernels.*.nbi")}
    assert compiled
    told, directory = fresh_python(EPISODE, NUMBA_DISABLE_JIT="0", NUMBA_CACHE_DIR=str(tmp_path)).split()
    assert told == digest
    assert all(path.is_relative_to(directory) for path in compiled)
    assert {path: path.read_bytes() for path in compiled} == compiled


def test_a_training_compiles_the_module_that_its_kind_of_agent_names() -> None:
    is_first, nothing_is_kept = fresh_python(TRAINED, NUMBA_DISABLE_JIT="0").split()
    assert is_first == nothing_is_kept


def test_without_compilation_there_is_no_first_one(tmp_path: Path) -> None:
    ask = (
        "from mpgg_env.core.compiled import is_first_compilation as first; print(first('mpgg_env.games.mpgg.kernels'))"
    )
    told = [fresh_python(ask, NUMBA_DISABLE_JIT=off, NUMBA_CACHE_DIR=str(tmp_path)).strip() for off in "01"]
    assert told == ["True", "False"]
