"""Trains DDPG-MFTG in one mean-field game and goes on after an interruption, to the same bits.

    python -m benchmarks.mean_field_learning FOLDER --game distribution_planning --preset paper --seeds 0 1

writes to the folder `settings.json`, `checkpoint.npz` every few minutes, and `progress.jsonl`: after every hundredth of
the training the episodes, the seconds of wall clock that it took and the mean returns at the testing set of each seed
and coalition. Each seed trains in a thread of its own, `--threads` of them at a time. The same command goes on from the
checkpoint.
"""

import argparse
import json
import time
import warnings
from pathlib import Path
from typing import Any

import torch

from mpgg_agents.experiments.storage import locked, read_arrays, write_arrays, write_bytes
from mpgg_agents.mean_field.ddpg.config import DDPGConfig
from mpgg_agents.mean_field.ddpg.presets import PRESETS
from mpgg_agents.mean_field.ddpg.trainer import DDPGTrainer
from mpgg_env import DilemmaWarning
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.rollout import rollout
from mpgg_env.games.mean_field.registry import GAMES, config_class

SETTINGS, CHECKPOINT, PROGRESS = "settings.json", "checkpoint.npz", "progress.jsonl"
PARTS = 100
CHECKPOINT_SECONDS = 300.0


def main() -> None:
    """Trains to the end, or goes on with what the folder holds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mean_field_learning", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--game", choices=list(GAMES), default="distribution_planning")
    parser.add_argument("--preset", default="default")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--logit-scale", type=float, default=None, help="kappa; default: the preset's")
    parser.add_argument("--sight", choices=["joint", "own"], default="joint")
    parser.add_argument("--threads", type=int, default=None, help="seeds trained at a time; default: one per processor")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", DilemmaWarning)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with locked(arguments.folder):
        train(arguments.folder, new_trainer(arguments))


def new_trainer(arguments: argparse.Namespace) -> DDPGTrainer:
    """The trainer of the arguments, which must be those with which the folder was begun."""
    preset = PRESETS[arguments.game][arguments.preset]
    game = config_class(arguments.game)(**preset.game)
    agent = DDPGConfig(**preset.agent).replace(sight=arguments.sight)
    if arguments.logit_scale is not None:
        agent = agent.replace(logit_scale=arguments.logit_scale)
    settings = {"game": arguments.game, "rules": game.to_dict(), "agent": agent.to_dict(), "seeds": arguments.seeds}
    path = arguments.folder / SETTINGS
    if path.exists() and json.loads(path.read_text()) != settings:
        raise SystemExit(f"{path} is of another training")
    write_bytes(path, json.dumps(settings, indent=1).encode())
    return DDPGTrainer(game, agent, arguments.seeds, snapshots=0, threads=arguments.threads)


def train(folder: Path, trainer: DDPGTrainer) -> None:
    """Trains to the end, with a checkpoint every few minutes and at the end."""
    path, last = folder / CHECKPOINT, time.monotonic()
    if path.exists():
        trainer.restore(read_arrays(path))
    forget_later_lines(folder / PROGRESS, trainer.rounds_done * trainer.agent.parallel_episodes)
    while trainer.rounds_done < trainer.total_rounds:
        start = time.monotonic()
        record = trainer.advance(rounds_to_next_part(trainer))
        tell(folder, trainer, time.monotonic() - start, {k: v[:, -1].tolist() for k, v in record.measures.items()})
        if time.monotonic() - last > CHECKPOINT_SECONDS or trainer.rounds_done == trainer.total_rounds:
            write_arrays(path, trainer.state_arrays())
            last = time.monotonic()


def rounds_to_next_part(trainer: DDPGTrainer) -> int:
    """Rounds to the end of the hundredth of the training in which it is."""
    part = max(1, trainer.total_rounds // PARTS)
    return min(part - trainer.rounds_done % part, trainer.total_rounds - trainer.rounds_done)


def forget_later_lines(path: Path, episodes: int) -> None:
    """Takes the lines of episodes that are trained once more out of the progress."""
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    write_bytes(path, "".join(line for line in lines if json.loads(line)["episodes"] <= episodes).encode())


def tell(folder: Path, trainer: DDPGTrainer, seconds: float, measures: dict[str, Any]) -> None:
    """Adds a line to the progress, and prints it."""
    episodes = trainer.rounds_done * trainer.agent.parallel_episodes
    tests = [test_returns(trainer, b) for b in range(len(trainer.seeds))]
    line = {"episodes": episodes, "seconds": round(seconds, 1), "test_returns": tests, **measures}
    print(json.dumps(line), flush=True)
    with (folder / PROGRESS).open("a") as file:
        file.write(json.dumps(line) + "\n")


@torch.no_grad()
def test_returns(trainer: DDPGTrainer, replica: int) -> list[float]:
    """Mean return of each coalition over the testing set, without noise ([Shao2024] algorithm 4)."""
    batch = MeanFieldBatch(trainer.game, torch, dtype=torch.float32)
    returns = rollout(batch, batch.testing_state(), trainer.policy(replica)).returns
    return [round(value, 4) for value in returns.mean(0).tolist()]


if __name__ == "__main__":
    main()
