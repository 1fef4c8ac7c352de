"""Small experiments in the mean-field-type games for the tests of their runs: two steps, nets of a few units."""

import warnings
from typing import Any

from mpgg_agents.cli import main
from mpgg_agents.experiments import Experiment
from mpgg_env import DilemmaWarning

NETS: dict[str, Any] = {"branch": 2, "layers": (3,)}
TABLES: dict[str, Any] = {"episodes": 4, "n_states_grid": 1, "omega": 0.0}
AGENTS: dict[str, dict[str, Any]] = {
    "ddpg_mftg": {
        **{"episodes": 8, "parallel_episodes": 2, "update_ratio": 0.5, "batch_size": 3, "capacity": 10},
        **NETS,
    },
    "model_gradient": {"iterations": 4, "episodes": 3, "warm_up": 0, **NETS},
    "dnashq": TABLES,
    "il_mftg": TABLES,
}
DEEP = ("ddpg_mftg", "model_gradient")
# Games on boards, with too many states for tables.
BOARDS = ("four_rooms", "predator_prey", "distribution_planning")
PLAYERS = {
    **dict.fromkeys(("population_matching", "cyber_security", "mpgg"), tuple(AGENTS)),
    **dict.fromkeys(BOARDS, DEEP),
}
PAIRS = [(game, name) for game, names in PLAYERS.items() for name in names]
RUN: dict[str, Any] = {"seeds": (3, 8), "snapshots": 2, "response_iterations": 2, "window": 2}
ROUNDS = 4


def env_of(game: str) -> str:
    """The id of a game."""
    return f"mftg/{game}-v0"


def tiny(game: str = "population_matching", name: str = "model_gradient", rules: Any = (), **run: Any) -> Experiment:
    """Episodes of two steps, four rounds, two seeds, two profiles judged; `rules` and `run` change settings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DilemmaWarning)
        return Experiment.build(
            {
                "game": {"max_cycles": 2, **dict(rules)},
                "agent": {**AGENTS[name], **run.pop("agent", {})},
                "run": {
                    "env": env_of(game),
                    "agent": name,
                    "figures": False,
                    **RUN,
                    **run,
                },
            }
        )


def refused(capsys: Any, *words: object) -> str:
    """The line on stderr of a command that must fail with exit code 2."""
    assert main([str(word) for word in words]) == 2
    line: str = capsys.readouterr().err
    assert line.startswith("mpgg: error: ")
    assert line.count("\n") == 1
    return line
