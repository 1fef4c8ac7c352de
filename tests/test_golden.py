"""Golden games: short text files that every registered game must replay, and must have."""

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mpgg_env.games.mpgg.rules import move_names
from mpgg_env.registration import GAMES

FOLDER = Path(__file__).parent / "golden"
FILES = sorted(FOLDER.glob("*.txt"))
ROWS = ["positions", "plays", "payoffs", "cooperators", "moves"]


def read(path: Path) -> tuple[dict[str, Any], list[dict[str, list[str]]]]:
    """The configuration, and for every round and the end the rows of the file."""
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    rounds: list[dict[str, list[str]]] = []
    for word, *values in lines[1:]:
        if word in ("round", "end"):
            rounds.append({})
        else:
            rounds[-1][word] = values
    return json.loads(" ".join(lines[0][1:])), rounds


def steps(env: Any, rounds: list[dict[str, list[str]]]) -> Iterator[tuple[dict[str, list[str]], list[float]]]:
    """Plays the file, and yields each round after its game phase with the rewards."""
    names = [name.removeprefix("casino_") for name in move_names(env.config)]
    for told in rounds:
        plays = [["D", "C"].index(play) for play in told["plays"]]
        yield told, list(env.step(dict(zip(env.agents, plays, strict=True)))[1].values())
        moves = [names.index(name) for name in told["moves"]]
        env.step(dict(zip(env.agents, moves, strict=True)))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_game_goes_as_written(path: Path) -> None:
    config, rounds = read(path)
    assert len(rounds) >= 4
    assert all(list(told) == ROWS for told in rounds[:-1])
    module = next(name for name in GAMES.values() if path.stem.startswith(name.rpartition(".")[2]))
    env = import_module(module).parallel_env(**config, strict=True)
    env.reset(options={"positions": [int(place) for place in rounds[0]["positions"]]})
    for told, rewards in steps(env, rounds[:-1]):
        assert env.positions.tolist() == [int(place) for place in told["positions"]]
        assert env.cooperators.tolist() == [int(count) for count in told["cooperators"]]
        np.testing.assert_allclose(rewards, [float(payoff) for payoff in told["payoffs"]], rtol=1e-8, atol=1e-12)
    assert env.positions.tolist() == [int(place) for place in rounds[-1]["positions"]]


@pytest.mark.parametrize("module", GAMES.values())
def test_every_registered_game_has_a_golden_game(module: str) -> None:
    name = module.rpartition(".")[2]
    assert [path for path in FILES if path.stem.startswith(name)], f"no tests/golden/{name}*.txt"
