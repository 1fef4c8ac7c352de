"""Writes golden games with the oracle alone: `python -m tests.golden.write_golden`. Nothing of the package is used."""

import json
import random
from pathlib import Path
from typing import Any

from tests.golden.write_market import MARKETS
from tests.golden.write_market import written as written_market
from tests.golden.write_mean_field import GAMES as MEAN_FIELD
from tests.golden.write_mean_field import written as written_mean_field
from tests.oracles.game_oracle import Board, move, play

FIVE = ("stay", "up", "down", "left", "right")
NINE = (*FIVE, "up_left", "up_right", "down_left", "down_right")
NAMES = {"von_neumann": FIVE, "moore": NINE}
GAMES: dict[str, dict[str, Any]] = {
    "torus": {"n_agents": 11, "grid_shape": [3, 3]},
    "mask_moore_center_code": {
        "n_agents": 10,
        "grid_shape": [2, 3],
        "boundary": "mask",
        "moves": "moore",
        "cell_values": "center",
        "payoff": "code",
    },
    "wall_linspace_pairs": {
        "n_agents": 9,
        "grid_shape": [3, 2],
        "boundary": "wall",
        "cell_values": "linspace",
        "min_players": 2,
        "cost_range": [0.25, 2.0],
        "gain_range": [1.1, 3.7],
    },
    "single_casino": {"n_agents": 3, "grid_shape": [1, 1], "cell_values": "linspace"},
    "anywhere_explicit": {
        "n_agents": 7,
        "grid_shape": [2, 2],
        "moves": "anywhere",
        "cost": [1.0, 0.3, 0.0, 2.5],
        "gain": [2.0, 0.8, 5.0, 1.7],
    },
    "mechanisms": {
        "n_agents": 9,
        "grid_shape": [2, 2],
        "boundary": "wall",
        "mechanism": [
            {"name": "fine", "amount": 0.3},
            {"name": "subsidy", "amount": 0.05},
            {"name": "subsidy_local", "amount": [0.0, 0.1, 0.2, 0.4]},
            {"name": "toll", "fee": 0.1, "surcharge": 0.5, "seats": 2},
            {"name": "pigou", "rate": 0.25},
            {"name": "peer", "punishment": 0.15, "cost": 0.05},
        ],
    },
}


def written(config: dict[str, Any], rounds: int, rng: random.Random) -> str:
    """One game, every choice drawn from `rng`."""
    rows, columns = config["grid_shape"]
    explicit = {"costs": config.get("cost"), "gains": config.get("gain")}
    options = {name: value for name, value in config.items() if name not in ("n_agents", "grid_shape", "cost", "gain")}
    board = Board(rows, columns, **options, **explicit)
    names = NAMES.get(board.moves, tuple(str(casino) for casino in range(rows * columns)))
    positions = [rng.randrange(rows * columns) for _ in range(config["n_agents"])]
    lines = ["# Written by the oracle: see write_golden.py.", f"config {json.dumps(config)}"]
    for count in range(rounds):
        plays = [rng.randrange(2) for _ in positions]
        payoffs, cooperators = play(board, positions, plays)
        chosen = [rng.choice([name for name in names if move(board, place, name) is not None]) for place in positions]
        lines += ["", f"round {count}", row("positions", positions), row("plays", ["DC"[play] for play in plays])]
        lines += [row("payoffs", [f"{float(payoff):.9g}" for payoff in payoffs]), row("cooperators", cooperators)]
        lines += [row("moves", chosen)]
        positions = [move(board, place, name) for place, name in zip(positions, chosen, strict=True)]
    return "\n".join([*lines, "", "end", row("positions", positions), ""])


def row(word: str, values: list[Any]) -> str:
    """A word and its values in columns."""
    return f"{word:<12}" + " ".join(f"{value!s:<12}" for value in values).rstrip()


def main() -> None:
    """Writes every game beside this file."""
    for seed, (name, config) in enumerate(GAMES.items()):
        text = written(config, 6, random.Random(seed))
        (Path(__file__).parent / f"mpgg_v0_{name}.txt").write_text(text, encoding="utf-8")
    for seed, (name, config) in enumerate(MARKETS.items()):
        text = written_market(config, random.Random(seed))
        (Path(__file__).parent / f"market_v0_{name}.txt").write_text(text, encoding="utf-8")
    for seed, name in enumerate(MEAN_FIELD):
        text = written_mean_field(name, random.Random(seed))
        (Path(__file__).parent / f"mftg_{name}_v0_random.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
