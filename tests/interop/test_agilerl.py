"""AgileRL: MADDPG obeys the mask in the infos, and with networks of its own each agent learns its own good."""

import runpy
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import pytest

import mpgg_env
from tests.interop.records import EXAMPLES

# AgileRL gives it to whoever imports it.
pytestmark = pytest.mark.filterwarnings("ignore:MakeEvolvable will be deprecated:DeprecationWarning")

# Two agents begin in either casino, (5.5 + 7) / 2 each; afterwards all four are in the better one and get 7.
BEST = (6.25 + 19 * 7) / 20
# One casino with 1 < r < N: a cooperator pays 1 and gets 2 / 4 of it back, whatever the others do.
DILEMMA: dict[str, Any] = {"n_agents": 4, "grid_shape": (1, 1), "gain": (2.0,), "cost": (1.0,), "max_cycles": 40}


def _main() -> Callable[..., dict[str, float]]:
    main: Callable[..., dict[str, float]] = runpy.run_path(str(EXAMPLES / "agilerl_maddpg.py"))["main"]
    return main


def test_maddpg_finds_the_better_casino_and_cooperates(seen: Callable[..., None]) -> None:
    result = _main()()
    assert result["illegal"] == 0
    assert 1.3 * result["random"] < 0.8 * BEST < result["trained"] <= BEST + 1e-6
    seen(
        stack="AgileRL",
        version=version("agilerl"),
        algorithm="MADDPG",
        door="ParallelEnv",
        masks="enforced",
        illegal=result["illegal"],
        example="agilerl_maddpg.py",
        note="agents renamed, for networks of their own",
    )


def test_agents_with_networks_of_their_own_defect_where_that_is_dominant() -> None:
    result = _main()(game=DILEMMA)
    assert result["illegal"] == 0
    # Everybody cooperating pays 1, which is what agents with one critic in common learn.
    assert 0 <= result["trained"] < 0.1 < 0.4 < result["random"] < 0.6


def test_what_a_policy_without_the_mask_does_is_counted() -> None:
    example = runpy.run_path(str(EXAMPLES / "agilerl_maddpg.py"))
    env = mpgg_env.parallel_env(**example["GAME"], obs_scale="unit")
    env.reset(seed=0)
    maddpg = example["make_maddpg"](env)
    obey = maddpg.get_action
    maddpg.get_action = lambda obs, infos: obey(obs=obs)
    assert example["play"](env, maddpg, episodes=2)[1] > 10
