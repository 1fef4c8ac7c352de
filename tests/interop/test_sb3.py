"""Stable-Baselines3 and sb3-contrib learn on `SB3VecEnv`."""

import runpy
from collections.abc import Callable, Iterator
from importlib.metadata import version

import pytest
import torch

from mpgg_env.sb3 import SB3VecEnv
from tests.interop.records import EXAMPLES
from tests.support import exactly

# Everybody cooperates. Two of four agents begin in the casino with r = 6.5 and move; from the second round on all are
# in the one with r = 8: (c = 1) ((5.5 + 7) / 2 + 19 * 7) / 20.
BEST = 6.9625


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def _check(result: dict[str, float]) -> None:
    # Random play: half of them cooperate, which pays (r - 1) / 2 on average, 3.125.
    assert 2.6 < result["random"] < 3.6
    assert 0.9 * BEST < result["trained"] < BEST + 1e-4
    assert result["illegal"] == 0


@pytest.mark.algorithm
@pytest.mark.parametrize("algorithm", ["ppo", "dqn"])
def test_joint_actions_are_learnt(algorithm: str, seen: Callable[..., None]) -> None:
    result = runpy.run_path(str(EXAMPLES / "sb3_vec_env.py"))["main"](algorithm)
    _check(result)
    seen(
        stack="Stable-Baselines3",
        version=version("stable-baselines3"),
        algorithm=algorithm.upper(),
        door="SB3VecEnv",
        masks="joint actions",
        illegal=int(result["illegal"]),
        example="sb3_vec_env.py",
        note="",
    )


def test_unknown_algorithms_are_refused() -> None:
    with pytest.raises(ValueError, match=exactly("algorithm must be one of ppo, dqn, got 'sac'")):
        runpy.run_path(str(EXAMPLES / "sb3_vec_env.py"))["main"]("sac")


@pytest.mark.algorithm
def test_the_masked_policy_plays_nothing_illegal(seen: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    # Two of the five actions are legal: D and C in the game; on 1 x 2 casinos, stay and left or right.
    allowed = []
    masks = SB3VecEnv.action_masks
    monkeypatch.setattr(SB3VecEnv, "action_masks", lambda env: allowed.append(masks(env).mean()) or masks(env))
    result = runpy.run_path(str(EXAMPLES / "maskable_ppo.py"))["main"]()
    _check(result)
    # Asked for once per step of random play, of training (64 transitions each) and of greedy play.
    assert len(allowed) >= 40 + 20_000 / 64 + 40
    assert set(allowed) == {0.4}
    seen(
        stack="sb3-contrib",
        version=version("sb3-contrib"),
        algorithm="MaskablePPO",
        door="SB3VecEnv",
        masks="enforced",
        illegal=int(result["illegal"]),
        example="maskable_ppo.py",
        note="",
    )
