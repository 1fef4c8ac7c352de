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
