"""What can be set of a run in the migratory public goods game, and the experiments made of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mpgg_agents.experiments.mpgg.agents import AGENTS, MPGGAgent
from mpgg_agents.experiments.settings import Experiment, RunConfig
from mpgg_env.core.validation import check_flag, check_integer
from mpgg_env.games.mpgg.config import MPGGConfig

if TYPE_CHECKING:
    from mpgg_agents.experiments.mpgg.measures import Phase

ENV: Final = "mpgg/migratory_public_goods-v0"
MAX_CASINO_GIBIBYTES: Final = 4
MAX_PANEL_GIBIBYTES: Final = 4
PANEL_ROUNDS: Final = 200
PANEL_BYTES: Final = 2**27


@dataclass(frozen=True, slots=True, kw_only=True)
class MPGGRunConfig(RunConfig):
    """How long, how often and what to keep. The results depend on nothing else: not on threads, not on interruptions.

    Attributes:
        agent: Kind of agent: iql, independent Q-learning with tables; dqn, deep Q-learning, which needs the extra
            mpgg-env[deep]; or nash_q, Nash Q-learning for two to four agents. Each has flags of its own.
        rounds: Rounds per episode.
        window: Rounds per entry of the casino time series.
        record_every: Rounds per row of the metrics, which are means over them; it must divide the window. What is shown
            of whole windows is the same, but files are smaller and written sooner.
        evaluation_rounds: Greedy rounds without learning after the training; 0 for none.
        panel_rounds: Last greedy rounds of which casino, action and payoff of every agent are kept, for the measures of
            what agents do over time; default: 200, or as many as there are, or as fit into 128 MiB.
        keep_learned: Keep what the agents have learned in the final state: the non-zero rows of every table (about
            12 MB per seed at the default settings), the weights of the networks; default: networks yes, tables no.
    """

    env: str = ENV
    agent: str = "iql"
    preset: str = "text"
    rounds: int = 100_000
    window: int = 100
    record_every: int = 1
    evaluation_rounds: int = 2000
    panel_rounds: int | None = None
    keep_learned: bool | None = None

    def __post_init__(self) -> None:
        RunConfig.__post_init__(self)
        self._set("rounds", check_integer("rounds", self.rounds, 1, 2**31 - 1))
        self._set("window", check_integer("window", self.window, 1))
        self._set("record_every", check_integer("record_every", self.record_every, 1))
        if self.window % self.record_every:
            raise ValueError(f"record_every must divide the window of {self.window} rounds, got {self.record_every}")
        self._set("evaluation_rounds", check_integer("evaluation_rounds", self.evaluation_rounds, 0, 2**31 - 1))
        if self.panel_rounds is not None:
            self._set("panel_rounds", check_integer("panel_rounds", self.panel_rounds, 0, self.evaluation_rounds))
        if self.keep_learned is not None:
            check_flag("keep_learned", self.keep_learned)


@dataclass(frozen=True, slots=True, kw_only=True)
class MPGGExperiment(Experiment):
    """A run of agents in the migratory public goods game.

    Attributes:
        game: Rules of the game.
        agent: Hyper-parameters of the agent, of the class that its kind demands.
        run: Rounds, seeds and what to keep.
    """

    game: MPGGConfig
    agent: Any
    run: MPGGRunConfig

    def __post_init__(self) -> None:
        Experiment.__post_init__(self)
        self._check_window()
        self._check_panel()

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
    def kind(self) -> MPGGAgent:
        """The kind of agent."""
        return AGENTS[self.run.agent]

    @property
    def total_rounds(self) -> int:
        """Training rounds of the whole run."""
        return self.kind.total_rounds(self.agent, self.run.rounds)

    def phase_rounds(self, phase: "Phase") -> int:
        """Rounds of the training or of the greedy phase."""
        return self.total_rounds if phase == "train" else self.run.evaluation_rounds

    @property
    def keeps_learned(self) -> bool:
        """Whether the final state has what the agents have learned."""
        asked = self.run.keep_learned
        return self.kind.keeps_learned if asked is None else asked

    @property
    def windows(self) -> int:
        """Windows of the casino time series of the training."""
        return -(-self.total_rounds // self.run.window)
