"""A small experiment in the market for the tests of its runs: two traders, two decisions, nets of a few units."""

from pathlib import Path
from typing import Any

from mpgg_agents.cli import main
from mpgg_agents.experiments import Experiment
from mpgg_agents.experiments.run import new_session

ENV = "mpgg/market-v0"
GAME: dict[str, Any] = {"n_agents": 2, "horizon": 1.0, "impact": "linear", "observation": "full"}
AGENTS: dict[str, dict[str, Any]] = {
    "nash_dqn": {"iterations": 12, "episodes": 4, "hidden": (4,), "phi": (3,), "warm_up": 0, "learning_rate": 0.001},
    "fp_ddpg": {
        **{"responses": 3, "first_rounds": 4, "next_rounds": 4, "episodes": 4, "gradient_steps": 1, "batch_size": 8},
        **{"capacity": 40, "hidden": (4,), "phi": (3,)},
    },
}
RUN: dict[str, Any] = {
    "seeds": (3, 8),
    "snapshots": 3,
    "response_iterations": 4,
    "evaluation_episodes": 64,
    "window": 4,
}
ROUNDS = 12


def tiny(name: str = "nash_dqn", game: Any = (), agent: Any = (), **run: Any) -> Experiment:
    """Two traders, two decisions, twelve iterations, two seeds; the arguments change settings."""
    return Experiment.build(
        {
            "game": {**GAME, **dict(game)},
            "agent": {**AGENTS[name], **dict(agent)},
            "run": {"env": ENV, "agent": name, "figures": False, **RUN, **run},
        }
    )


def flags_of(experiment: Experiment) -> list[str]:
    """The words of the command line that ask for this experiment."""
    words: list[str] = []
    for section in experiment.to_dict().values():
        for name, value in section.items():
            flag = name.replace("_", "-")
            if isinstance(value, bool):
                words.append(f"--{flag}" if value else f"--no-{flag}")
            elif value is not None:
                values = value if isinstance(value, list) else [value]
                words.extend([f"--{flag}", *map(str, values or [0])])  # 0 is the word for none
    return words


def train(experiment: Experiment, out: Path, *flags: str) -> int:
    """The exit code of `mpgg train` of an experiment."""
    return main(["train", *flags_of(experiment), "--quiet", "--out", str(out), *flags])


def stop(experiment: Experiment, out: Path, rounds: int) -> Path:
    """A run that was killed after a checkpoint."""
    with new_session(experiment, out) as session:
        session._records.append(session.trainer.advance(rounds))
        session._checkpoint()
    return out
