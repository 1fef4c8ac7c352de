"""Helpers of several test modules: playing an environment, writing down what it does, fresh Python processes."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Step = tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]
Chooser = Callable[[Any, Mapping[str, Any]], dict[str, int]]


def exactly(text: str) -> str:
    """The pattern that matches this text and no other, for `pytest.raises(match=...)`."""
    return f"^{re.escape(text)}$"


def anything(rng: np.random.Generator) -> Chooser:
    """Chooses uniformly from the whole action space, illegal actions included."""

    def choose(env: Any, infos: Mapping[str, Any]) -> dict[str, int]:
        return {agent: int(rng.integers(env.action_space(agent).n)) for agent in env.agents}

    return choose


def legal(rng: np.random.Generator) -> Chooser:
    """Chooses uniformly from the legal actions."""

    def choose(env: Any, infos: Mapping[str, Any]) -> dict[str, int]:
        return {agent: int(rng.choice(np.flatnonzero(infos[agent]["action_mask"]))) for agent in env.agents}

    return choose


def finish(env: Any, choose: Chooser, infos: Mapping[str, Any]) -> list[Step]:
    """Plays to the end of the episode and returns what every step gave."""
    steps = []
    while env.agents:
        steps.append(env.step(choose(env, infos)))
        infos = steps[-1][4]
    return steps


def episode(env: Any, seed: int, choose: Chooser) -> list[Any]:
    """A whole episode from `reset(seed)`, followed by the state of the generator."""
    observations, infos = env.reset(seed=seed)
    return [observations, infos, *finish(env, choose, infos), env.unwrapped.np_random.bit_generator.state]


def same(left: Any, right: Any) -> bool:
    """Whether two nested records of dicts, lists, tuples and arrays are equal to the bit, types included."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()
    return bool(left == right)


def fresh_python(code: str, *arguments: str, **environment: str) -> str:
    """Runs code in a new Python process that sees the same packages, and returns what it prints.

    Warnings are errors there too, except the one that the default configuration gives by specification.
    """
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment}
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", code, *arguments],
        env=variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
