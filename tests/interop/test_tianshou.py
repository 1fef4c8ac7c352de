"""Tianshou: a DQN for each agent, which obeys the mask when it explores, when it plays and when it looks ahead."""

import runpy
from collections.abc import Callable
from functools import partial
from importlib.metadata import version

import pytest

import mpgg_env
from tests.interop.records import EXAMPLES

# Two agents begin in either casino, (5.5 + 7) / 2 each; afterwards all four are in the better one and get 7.
BEST = (6.25 + 19 * 7) / 20


def test_dqns_find_the_better_casino_and_cooperate(monkeypatch: pytest.MonkeyPatch, seen: Callable[..., None]) -> None:
    # An illegal action raises: the infos that Tianshou stores lack the last move of all agents but the first.
    monkeypatch.setattr(mpgg_env, "parallel_env", partial(mpgg_env.parallel_env, strict=True))
    result = runpy.run_path(str(EXAMPLES / "tianshou_dqn.py"))["main"]()
    assert result["illegal"] == 0
    assert 1.3 * result["random"] < 0.9 * BEST < result["trained"] <= BEST + 1e-6
    seen(
        stack="Tianshou",
        version=version("tianshou"),
        algorithm="DQN per agent",
        door="PettingZooEnv",
        masks="enforced",
        illegal=result["illegal"],
        example="tianshou_dqn.py",
    )
