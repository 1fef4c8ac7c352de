"""What can be set of a run in a mean-field-type game, and the experiments made of it."""

from dataclasses import dataclass
from typing import Any, Final

from mpgg_agents.experiments.mean_field.agents import MeanFieldAgent, agents_of
from mpgg_agents.experiments.settings import Experiment, RunConfig
from mpgg_env.core.validation import check_integer
from mpgg_env.games.mean_field.registry import GAMES

# Id of the environment -> name of the game.
ENVS: Final = {f"mftg/{game}-v0": game for game in GAMES}


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanFieldRunConfig(RunConfig):
    """What to keep of a training in a mean-field-type game, and how to judge it.

    Attributes:
        agent: Kind of agent: ddpg_mftg, DDPG-MFTG (with --sight own the ablated baseline); model_gradient, the same
            actors trained through the known model; and where distributions can be counted on a grid dnashq,
            DNashQ-MFTG, and il_mftg, independent learners. Each has flags of its own.
        checkpoint_every: Rounds between checkpoints; default by time: the first after 15 seconds, then so that they
            take a twentieth of the time.
        snapshots: How many profiles are kept and judged, equally spaced over the training, the last one at its end.
        response_iterations: Gradient steps of the best responses by which each profile's exploitability is bounded from
            below; 0 leaves that out.
        window: Rounds per point of the TensorBoard files.
    """

    env: str = next(iter(ENVS))
    agent: str = "ddpg_mftg"
    preset: str = "default"
    seeds: tuple[int, ...] = tuple(range(5))
    snapshots: int = 10
    response_iterations: int = 200
    window: int = 50

    def __post_init__(self) -> None:
        RunConfig.__post_init__(self)
        self._set("snapshots", check_integer("snapshots", self.snapshots, 1, 10_000))
        self._set("response_iterations", check_integer("response_iterations", self.response_iterations, 0))
        self._set("window", check_integer("window", self.window, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanFieldExperiment(Experiment):
    """A run of central players in a mean-field-type game.

    Attributes:
        game: Parameters of the game.
        agent: Hyper-parameters of the agent, of the class that its kind demands.
        run: Seeds, what to keep, and how to judge it.
    """

    game: Any
    agent: Any
    run: MeanFieldRunConfig

    @property
    def kind(self) -> MeanFieldAgent:
        """The kind of agent."""
        return agents_of(ENVS[self.run.env])[self.run.agent]

    @property
    def total_rounds(self) -> int:
        """Training rounds of the whole run."""
        return int(self.agent.total_rounds)
