"""What an experiment is: the game, the agent and the run, from a preset, a TOML file and single settings."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mpgg_agents.experiments.study.toml_file import Located, read_located
from mpgg_env.core.config import Config
from mpgg_env.core.validation import check_choice, check_flag, check_integer, check_known

if TYPE_CHECKING:
    from mpgg_agents.experiments.kinds import AgentKind, GameKind

SECTIONS: Final = ("game", "agent", "run")
MAX_SEED: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig(Config):
    """What can be set of every run. The results depend on nothing else: not on threads, not on interruptions.

    Attributes:
        env: Game that is played.
        agent: Kind of agent; each has flags of its own.
        preset: Named settings that the others start from; `mpgg presets` lists them.
        seeds: One replica per seed: numbers, or ranges such as 0:20, which ends before 20.
        checkpoint_every: Rounds between checkpoints, those of tables written at the end of the window in which they
            are due; default by time: the first after 15 seconds, then so that they take a twentieth of the time.
        figures: Draw the figures at the end.
    """

    env: str
    agent: str
    preset: str
    seeds: tuple[int, ...] = tuple(range(20))
    checkpoint_every: int | None = None
    figures: bool = True

    def __post_init__(self) -> None:
        kind = _kind(self.env)
        if not isinstance(self, kind.run_class):
            raise ValueError(f"env must be one that {type(self).__name__} is for, got {self.env!r}")
        check_choice("agent", self.agent, list(kind.agents))
        check_choice("preset", self.preset, list(kind.agents[self.agent].presets))
        self._set("seeds", parse_seeds(self.seeds))
        if self.checkpoint_every is not None:
            self._set("checkpoint_every", check_integer("checkpoint_every", self.checkpoint_every, 1))
        check_flag("figures", self.figures)


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment(ABC):
    """One game, one agent, one run: everything that decides the results. Each kind of game has a class of its own.

    Attributes:
        game: Rules of the game.
        agent: Hyper-parameters of the agent, of the class that its kind demands.
        run: What to keep, and how long and how often.
    """

    game: Any
    agent: Any
    run: Any

    def __post_init__(self) -> None:
        parts = {"run": self.game_kind.run_class, "game": self.game_kind.game_class, "agent": self.kind.config_class}
        for name, demanded in parts.items():
            if not isinstance(getattr(self, name), demanded):
                raise TypeError(f"{name} must be a {demanded.__name__}, got {getattr(self, name)!r}")

    @staticmethod
    def build(*layers: Mapping[str, Mapping[str, Any]]) -> "Experiment":
        """An experiment from settings in layers, the later ones first in rank; the preset ranks below them all.

        Args:
            layers: Mappings with the sections game, agent and run, each a mapping of fields.

        Returns:
            An experiment of the class of its kind of game.

        Raises:
            ValueError: A section, field, game, agent or preset is unknown, or a value is out of range.
            TypeError: A value has the wrong type.
        """
        for layer in layers:
            check_known(layer, SECTIONS, "section")
        sections = {name: _merge([layer.get(name, {}) for layer in layers], name) for name in SECTIONS}
        kind, _ = chosen_kinds(sections["run"])
        run = kind.run_class.from_dict(sections["run"])
        agent = kind.agents[run.agent]
        preset = agent.presets[run.preset]
        return kind.experiment_class(
            game=kind.game_class.from_dict({**preset.game, **sections["game"]}),
            agent=agent.config_class.from_dict({**preset.agent, **sections["agent"]}),
            run=run,
        )

    @staticmethod
    def from_dict(values: Mapping[str, Mapping[str, Any]]) -> "Experiment":
        """The inverse of `to_dict`. The game's warnings are not repeated.

        Raises:
            ValueError: A section or field is unknown, or a value is out of range.
            TypeError: A value has the wrong type.
        """
        with without_notes():
            return Experiment.build(values)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """The three sections as plain JSON values, every field included."""
        return {"game": self.game.to_dict(), "agent": self.agent.to_dict(), "run": self.run.to_dict()}

    @property
    def game_kind(self) -> "GameKind":
        """The kind of game."""
        return _kind(self.run.env)

    @property
    def kind(self) -> "AgentKind":
        """The kind of agent."""
        return self.game_kind.agents[self.run.agent]

    @property
    @abstractmethod
    def total_rounds(self) -> int:
        """Training rounds of the whole run."""


def chosen_kinds(run: Mapping[str, Any]) -> "tuple[GameKind, str]":
    """The kind of game and the name of the agent that a run section asks for.

    Raises:
        ValueError: There is no such game, or the agent does not play it.
    """
    from mpgg_agents.experiments.registry import DEFAULT_ENV, check_agent, game_kind  # which imports this module

    kind = game_kind(run.get("env", DEFAULT_ENV))
    return kind, check_agent(kind, run.get("agent", kind.default_agent))


@contextmanager
def without_notes() -> Iterator[None]:
    """Within this context the notes of configurations are not given: they have been, or there would be too many."""
    with warnings.catch_warnings():
        for note in all_notes():
            warnings.simplefilter("ignore", note)
        yield


def all_notes() -> tuple[type[Warning], ...]:
    """The warnings of all games' configurations that are notes to a user."""
    from mpgg_agents.experiments.registry import GAMES  # which imports this module

    return tuple(note for kind in GAMES.values() for note in kind.notes)


def _kind(env: str) -> "GameKind":
    from mpgg_agents.experiments.registry import game_kind  # which imports this module

    return game_kind(env)


def read_toml(path: Path) -> Located:
    """The sections of a TOML file, with the lines of its fields.

    Raises:
        ValueError: The file cannot be read, is no TOML, or has a part that is not one of the sections.
    """
    file = read_located(path)
    for name, section in file.values.items():
        with file.naming([(name,)]):
            check_known([name], SECTIONS, "section")
            if not isinstance(section, dict):
                raise TypeError(f"{name} must be a section [{name}], got {section!r}")
    return file


def parse_seeds(values: Any) -> tuple[int, ...]:
    """Distinct seeds from numbers and ranges: `[0, "5:8"]` and `"0 5:8"` give (0, 5, 6, 7).

    Raises:
        ValueError: A seed is negative, too large or repeated, a range is empty or no range, or there is no seed.
        TypeError: The value is not a sequence of integers and texts.
    """
    items = values.replace(",", " ").split() if isinstance(values, str) else values
    if not isinstance(items, Sequence):
        raise TypeError(f"seeds must be a list of integers and ranges such as '0:20', got {values!r}")
    seeds = [seed for item in items for seed in (_seed_range(item) if isinstance(item, str) else [item])]
    checked = tuple(check_integer("seeds", seed, 0, MAX_SEED) for seed in seeds)
    if not checked:
        raise ValueError("seeds must contain at least one seed, got none")
    if len(set(checked)) < len(checked):
        repeated = next(seed for seed in checked if checked.count(seed) > 1)
        raise ValueError(f"seeds must be distinct, got {repeated} twice")
    return checked


def _seed_range(text: str) -> Sequence[int]:
    first, colon, last = text.partition(":")
    try:
        start = int(first)
        seeds = range(start, int(last)) if colon else range(start, start + 1)
    except ValueError:
        raise ValueError(f"seeds must be integers or ranges such as 0:20, got {text!r}") from None
    if not seeds or len(seeds) > 10**6:
        raise ValueError(f"seeds must be ranges of 1 to 1000000 seeds, got {text!r}")
    return seeds


def _merge(sections: Sequence[Mapping[str, Any]], name: str) -> dict[str, Any]:
    for section in sections:
        if not isinstance(section, Mapping):
            raise TypeError(f"section {name} must hold fields, got {section!r}")
    return {field: value for section in sections for field, value in section.items()}
