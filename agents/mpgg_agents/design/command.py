"""The work and the words of `mpgg design`."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from mpgg_agents.design.report import numbers, text
from mpgg_agents.design.settings import DesignConfig
from mpgg_agents.design.study import Study, run_study
from mpgg_agents.experiments import storage
from mpgg_agents.experiments.flags import given
from mpgg_agents.experiments.manifest import new_manifest
from mpgg_agents.experiments.mpgg.settings import ENV
from mpgg_agents.experiments.progress import Display
from mpgg_agents.experiments.start import check_vacant
from mpgg_agents.iql.config import IQLConfig
from mpgg_env.games.mpgg.config import MPGGConfig

RESULTS: Final = "design.json"
LAST_EXPLORATION: Final = 0.01  # exploration at the end of the training, unless --decay says otherwise


def ask(arguments: argparse.Namespace, words: Sequence[str], display: Display) -> str:
    """What `mpgg design` says to these arguments.

    Raises:
        ValueError: A setting is out of range, nothing can be gained in the game, or the folder is not vacant.
        TypeError: A setting has the wrong type.
    """
    game = MPGGConfig.from_dict(given(arguments, MPGGConfig))
    settings = DesignConfig.from_dict(given(arguments, DesignConfig))
    agent = learners(given(arguments, IQLConfig), settings)
    if arguments.out is not None:
        check_vacant(arguments.out)
    with _shown(display) as progress:
        studies = run_study(game, agent, settings, threads=arguments.threads, progress=progress)
    table = text(studies, settings, game)
    if arguments.out is None:
        return table
    written = _write(arguments.out, ["mpgg", *words], game, agent, settings, studies)
    return "\n".join([table, "", *(f"written: {path}" for path in written)])


def learners(flags: dict[str, Any], settings: DesignConfig) -> IQLConfig:
    """The learners' hyper-parameters. Exploration fades out within the trial unless its flags say otherwise."""
    fading = LAST_EXPLORATION ** (1 / settings.rounds)
    return IQLConfig.from_dict({"decay": fading, "eps_min": 0.0, **flags})


def _write(
    out: Path,
    command: Sequence[str],
    game: MPGGConfig,
    agent: IQLConfig,
    settings: DesignConfig,
    studies: Sequence[Study],
) -> list[Path]:
    from mpgg_agents.design.figure import design_figure  # loads matplotlib
    from mpgg_agents.experiments.figures import KINDS, save_figure
    from mpgg_agents.experiments.style import house_style

    out.mkdir(parents=True, exist_ok=True)
    manifest = new_manifest(ENV, command, settings.seeds, None)
    content = {
        "made_with": {name: manifest[name] for name in ("version", "python", "platform", "command")},
        "game": game.to_dict(),
        "agent": agent.to_dict(),
        "design": settings.to_dict(),
        "studies": numbers(studies),
    }
    written = [out / RESULTS]
    storage.write_bytes(written[0], (json.dumps(content, indent=2, allow_nan=False) + "\n").encode())
    with house_style():
        for study in studies:
            figure = design_figure(study, settings)
            for kind in KINDS:
                written.append(out / f"{study.design.family}.{kind}")
                save_figure(figure, written[-1])
    return written


@contextmanager
def _shown(display: Display) -> Iterator[Callable[[str], None]]:
    """What is being done: a counter with the present step on a terminal, a line for each trial elsewhere."""
    if display == "bar":
        from tqdm import tqdm

        with tqdm(unit=" steps", dynamic_ncols=True, file=sys.stderr, leave=False) as bar:

            def count(step: str) -> None:
                bar.set_postfix_str(step, refresh=False)
                bar.update()

            yield count
        return
    last = ""

    def tell(step: str) -> None:
        nonlocal last
        if display == "lines" and step != last:
            sys.stderr.write(f"mpgg: {step}\n")
            sys.stderr.flush()
        last = step

    yield tell
