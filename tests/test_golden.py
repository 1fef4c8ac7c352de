"""Golden games: short text files that every registered game must replay, and must have."""

import json
from collections.abc import Callable, Iterator
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
HEADINGS = ("round", "end", "start", "step")

Rows = dict[str, list[str]]


def key_of(module: str) -> str:
    """How the files of a game's module begin."""
    return module.removeprefix("mpgg_env.").replace(".", "_")


def read(path: Path) -> tuple[dict[str, Any], list[Rows]]:
    """The configuration, and for every round, step, start and end the rows of the file."""
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    rounds: list[Rows] = []
    for word, *values in lines[1:]:
        if word in HEADINGS:
            rounds.append({})
        else:
            rounds[-1][word] = values
    return json.loads(" ".join(lines[0][1:])), rounds


def steps(env: Any, rounds: list[Rows]) -> Iterator[tuple[Rows, list[float]]]:
    """Plays the file, and yields each round after its game phase with the rewards."""
    names = [name.removeprefix("casino_") for name in move_names(env.config)]
    for told in rounds:
        plays = [["D", "C"].index(play) for play in told["plays"]]
        yield told, list(env.step(dict(zip(env.agents, plays, strict=True)))[1].values())
        moves = [names.index(name) for name in told["moves"]]
        env.step(dict(zip(env.agents, moves, strict=True)))


def replay_mpgg(parallel_env: Callable[..., Any], config: dict[str, Any], rounds: list[Rows]) -> None:
    """Plays the rounds and compares positions, cooperators and payoffs."""
    assert len(rounds) >= 4
    assert all(list(told) == ROWS for told in rounds[:-1])
    env = parallel_env(**config, strict=True)
    env.reset(options={"positions": [int(place) for place in rounds[0]["positions"]]})
    for told, rewards in steps(env, rounds[:-1]):
        assert env.positions.tolist() == [int(place) for place in told["positions"]]
        assert env.cooperators.tolist() == [int(count) for count in told["cooperators"]]
        np.testing.assert_allclose(rewards, [float(payoff) for payoff in told["payoffs"]], rtol=1e-8, atol=1e-12)
    assert env.positions.tolist() == [int(place) for place in rounds[-1]["positions"]]


def replay_market(parallel_env: Callable[..., Any], config: dict[str, Any], parts: list[Rows]) -> None:
    """Plays a whole episode and compares rewards, inventories, prices, impacts and cash."""
    numbers = [{word: [float(value) for value in values] for word, values in part.items()} for part in parts]
    start, *decisions = numbers
    env = parallel_env(**config)
    noise = [told["noise"][0] for told in decisions]
    options = {"inventory": start["inventory"], "price": start["price"][0], "impact": start["impact"][0]}
    env.reset(options={**options, "noise": noise})
    for told in decisions:
        assert set(told) == {"rates", "noise", "rewards", "inventory", "price", "impact", "cash"}
        _, rewards, _, _, infos = env.step(dict(zip(env.agents, told["rates"], strict=True)))
        np.testing.assert_allclose(list(rewards.values()), told["rewards"], rtol=1e-10, atol=1e-11)
        for name in ("inventory", "price", "impact", "cash"):
            found = [info[name] for info in infos.values()]
            np.testing.assert_allclose(found, np.broadcast_to(told[name], len(found)), rtol=1e-10, atol=1e-11)
    assert env.agents == []


def replay_mean_field(parallel_env: Callable[..., Any], config: dict[str, Any], parts: list[Rows]) -> None:
    """Plays the steps and compares distributions and rewards. Rows of actions that are not told are zeros."""
    start, *told = parts
    env = parallel_env(**config)
    agents = env.possible_agents
    mu0 = [sparse(start[f"mu_{i}"], env.batch.shapes[i][:1]) for i in range(len(agents))]
    env.reset(options={"mu0": mu0, **({"home": int(start["home"][0])} if "home" in start else {})})
    assert len(told) >= 2
    for part in told:
        assert len(part) == 2 * len(agents) + 1
        actions = {a: sparse(part[f"rule_{i}"], env.action_space(a).shape) for i, a in enumerate(agents)}
        rewards = env.step(actions)[1]
        np.testing.assert_allclose(list(rewards.values()), [float(r) for r in part["rewards"]], rtol=1e-11, atol=1e-11)
        for i, mu in enumerate(env.distributions):
            np.testing.assert_allclose(mu, sparse(part[f"mu_{i}"], mu.shape), rtol=0, atol=1e-11)


def sparse(entries: list[str], shape: tuple[int, ...]) -> Any:
    """An array of zeros but for what the words `place:number` or `place:number,number,...` say."""
    array = np.zeros(shape)
    for place, values in (word.split(":") for word in entries):
        array[int(place)] = [float(value) for value in values.split(",")] if array.ndim > 1 else float(values)
    return array


# By the name of the module within the package, with _ for the dots.
READERS: dict[str, Callable[..., None]] = {"mpgg_v0": replay_mpgg, "market_v0": replay_market}
READERS |= dict.fromkeys(
    (name for name in (key_of(module) for module in GAMES.values()) if name.startswith("mftg_")), replay_mean_field
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_game_goes_as_written(path: Path) -> None:
    module = next(module for module in GAMES.values() if path.stem.startswith(key_of(module)))
    READERS[key_of(module)](import_module(module).parallel_env, *read(path))


@pytest.mark.parametrize("module", GAMES.values())
def test_every_registered_game_has_a_golden_game(module: str) -> None:
    name = key_of(module)
    assert name in READERS
    assert [path for path in FILES if path.stem.startswith(name)], f"no tests/golden/{name}*.txt"
