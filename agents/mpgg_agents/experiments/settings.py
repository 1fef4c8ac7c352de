"""What an experiment is: the game, the agent and the run, from a preset, a TOML file and single settings."""

import tomllib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from mpgg_agents.experiments.registry import AGENTS, AgentKind
from mpgg_env.core.config import Config
from mpgg_env.core.validation import check_choice, check_flag, check_integer, check_known
from mpgg_env.games.mpgg.config import DilemmaWarning, MPGGConfig

SECTIONS: Final = ("game", "agent", "run")
MAX_SEED: Final = 2**63 - 1
MAX_CASINO_GIBIBYTES: Final = 4
MAX_PANEL_GIBIBYTES: Final = 4
PANEL_ROUNDS: Final = 200
PANEL_BYTES: Final = 2**27


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig(Config):
    """How long, how often and what to keep. The results depend on nothing else: not on threads, not on interruptions.

    Attributes:
        agent: Kind of agent: iql, independent Q-learning with tables; dqn, deep Q-learning, which needs the extra
            mpgg-env[deep]; or nash_q, Nash Q-learning for two to four agents. Each has flags of its own.
        preset: Named settings that the others start from; `mpgg presets` lists them.
        rounds: Rounds per episode.
        seeds: One replica per seed: numbers, or ranges such as 0:20, which ends before 20.
        window: Rounds per entry of the casino time series.
        checkpoint_every: Rounds between checkpoints, those of tables written at the end of the window in which they
            are due; default by time: the first after 15 seconds, then so that they take a twentieth of the time.
        evaluation_rounds: Greedy rounds without learning after the training; 0 for none.
        panel_rounds: Last greedy rounds of which casino, action and payoff of every agent are kept, for the measures of
            what agents do over time; default: 200, or as many as there are, or as fit into 128 MiB.
        keep_learned: Keep what the agents have learned in the final state: the non-zero rows of every table (about
            12 MB per seed at the default settings), the weights of the networks; default: networks yes, tables no.
        figures: Draw the figures at the end.
    """

    agent: str = "iql"
    preset: str = "text"
    rounds: int = 100_000
    seeds: tuple[int, ...] = tuple(range(20))
    window: int = 100
    checkpoint_every: int | None = None
    evaluation_rounds: int = 2000
    panel_rounds: int | None = None
    keep_learned: bool | None = None
    figures: bool = True

    def __post_init__(self) -> None:
        check_choice("agent", self.agent, list(AGENTS))
        check_choice("preset", self.preset, list(AGENTS[self.agent].presets))
        self._set("rounds", check_integer("rounds", self.rounds, 1, 2**31 - 1))
        self._set("seeds", parse_seeds(self.seeds))
        self._set("window", check_integer("window", self.window, 1))
        if self.checkpoint_every is not None:
            self._set("checkpoint_every", check_integer("checkpoint_every", self.checkpoint_every, 1))
        self._set("evaluation_rounds", check_integer("evaluation_rounds", self.evaluation_rounds, 0, 2**31 - 1))
        if self.panel_rounds is not None:
            self._set("panel_rounds", check_integer("panel_rounds", self.panel_rounds, 0, self.evaluation_rounds))
        if self.keep_learned is not None:
            check_flag("keep_learned", self.keep_learned)
        check_flag("figures", self.figures)


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One game, one agent, one run: everything that decides the results.

    Attributes:
        game: Rules of the game.
        agent: Hyper-parameters of the agent, of the class that its kind demands.
        run: Rounds, seeds and what to keep.
    """

    game: MPGGConfig
    agent: Config
    run: RunConfig

    def __post_init__(self) -> None:
        if not isinstance(self.agent, self.kind.config_class):
            raise TypeError(f"agent must be a {self.kind.config_class.__name__}, got {self.agent!r}")
        self._check_window()
        self._check_panel()

    @classmethod
    def build(cls, *layers: Mapping[str, Mapping[str, Any]]) -> Self:
        """An experiment from settings in layers, the later ones first in rank; the preset ranks below them all.

        Args:
            layers: Mappings with the sections game, agent and run, each a mapping of fields.

        Raises:
            ValueError: A section, field or preset is unknown, or a value is out of range.
            TypeError: A value has the wrong type.
        """
        for layer in layers:
            check_known(layer, SECTIONS, "section")
        sections = {name: _merge([layer.get(name, {}) for layer in layers], name) for name in SECTIONS}
        run = RunConfig.from_dict(sections["run"])
        kind = AGENTS[run.agent]
        preset = kind.presets[run.preset]
        return cls(
            game=MPGGConfig.from_dict({**preset.game, **sections["game"]}),
            agent=kind.config_class.from_dict({**preset.agent, **sections["agent"]}),
            run=run,
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, Mapping[str, Any]]) -> Self:
        """The inverse of `to_dict`. The game's warnings are not repeated.

        Raises:
            ValueError: A section or field is unknown, or a value is out of range.
            TypeError: A value has the wrong type.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DilemmaWarning)
            return cls.build(values)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """The three sections as plain JSON values, every field included."""
        return {"game": self.game.to_dict(), "agent": self.agent.to_dict(), "run": self.run.to_dict()}

    def _check_window(self) -> None:
        gibibytes = 8 * len(self.run.seeds) * self.windows * self.game.n_casinos * (self.game.n_moves + 2) / 2**30
        if gibibytes > MAX_CASINO_GIBIBYTES:
            raise ValueError(
                f"window must be larger: the time series of {self.game.n_casinos} casinos with {self.windows} windows "
                f"would take {gibibytes:.0f} GiB (at most {MAX_CASINO_GIBIBYTES}), got {self.run.window}"
            )

    def _check_panel(self) -> None:
        gibibytes = self.panel_rounds * self._panel_round_bytes / 2**30
        if gibibytes > MAX_PANEL_GIBIBYTES:
            raise ValueError(
                f"panel_rounds must be lower: keeping {self.panel_rounds} rounds of {self.game.n_players} agents would "
                f"take {gibibytes:.0f} GiB (at most {MAX_PANEL_GIBIBYTES})"
            )

    @property
    def panel_rounds(self) -> int:
        """Last greedy rounds of which every agent's casino, action and payoff are kept."""
        if self.run.panel_rounds is not None:
            return self.run.panel_rounds
        return min(PANEL_ROUNDS, self.run.evaluation_rounds, PANEL_BYTES // self._panel_round_bytes)

    @property
    def _panel_round_bytes(self) -> int:
        """Memory that one more round of the panel takes, with its record of one round."""
        game = self.game
        return len(self.run.seeds) * (9 * game.n_players + 8 * game.n_casinos * (game.n_moves + 2))

    @property
    def kind(self) -> AgentKind:
        """The kind of agent."""
        return AGENTS[self.run.agent]

    @property
    def total_rounds(self) -> int:
        """Training rounds of the whole run."""
        return self.kind.total_rounds(self.agent, self.run.rounds)

    @property
    def keeps_learned(self) -> bool:
        """Whether the final state has what the agents have learned."""
        asked = self.run.keep_learned
        return self.kind.keeps_learned if asked is None else asked

    @property
    def windows(self) -> int:
        """Windows of the casino time series of the training."""
        return -(-self.total_rounds // self.run.window)


def read_toml(path: Path) -> dict[str, dict[str, Any]]:
    """The sections of a TOML file.

    Raises:
        ValueError: The file cannot be read, is no TOML, or has a part that is not one of the sections.
    """
    try:
        values = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not valid TOML: {error}") from error
    check_known(values, SECTIONS, f"section in {path}")
    for name, section in values.items():
        if not isinstance(section, dict):
            raise ValueError(f"{name} in {path} must be a section [{name}], got {section!r}")
    return values


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
