"""Tianshou: a DQN for each agent, which obeys the mask when it explores, when it plays and when it looks ahead."""

import runpy
from collections.abc import Callable
from importlib.metadata import version

import pytest

from tests.interop.records import EXAMPLES

# Two agents begin in either casino, (5.5 + 7) / 2 each; afterwards all four are in the better one and get 7.
BEST = (6.25 + 19 * 7) / 20


def test_dqns_find_the_better_casino_and_cooperate(seen: Callable[..., None]) -> None:
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


def test_the_example_would_raise_on_an_illegal_action() -> None:
    example = runpy.run_path(str(EXAMPLES / "tianshou_dqn.py"))
    env = example["make_env"]()
    env.reset(seed=0)
    for _ in range(example["N"] - 1):
        env.step(4)
    with pytest.raises(ValueError, match="is illegal in the game phase"):
        env.step(4)  # the last turn of a step, at which the game is played
