"""What can be set of a run in the trading market, and the experiments made of it."""

import warnings
from dataclasses import dataclass
from typing import Any, Final

from mpgg_agents.experiments.market.agents import AGENTS, MarketAgent
from mpgg_agents.experiments.settings import Experiment, RunConfig
from mpgg_env.core.validation import check_integer
from mpgg_env.games.market.config import IllPosedMarketWarning, MarketConfig

ENV: Final = "mpgg/market-v0"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketRunConfig(RunConfig):
    """What to keep of a training in the market, and how to judge it.

    Attributes:
        agent: Kind of agent: nash_dqn, Nash-DQN; or fp_ddpg, fictitious play with best responses by DDPG. Both need the
            extra mpgg-env[deep], and each has flags of its own.
        checkpoint_every: Training iterations between checkpoints; default by time: the first after 15 seconds, then so
            that they take a twentieth of the time.
        snapshots: How many policies are kept and judged, equally spaced over the training, the last one at its end.
        response_iterations: Gradient steps of the best response by which each policy's exploitability is bounded from
            below; 0 leaves it out.
        response_trader: Number of the trader who responds, from 0 on.
        evaluation_episodes: Fresh episodes in which each policy is judged, at least 2; the distance to the exact
            equilibrium is measured in at most 4,096 of them.
        window: Iterations per point of the TensorBoard files.
    """

    env: str = ENV
    agent: str = "nash_dqn"
    preset: str = "default"
    seeds: tuple[int, ...] = tuple(range(5))
    snapshots: int = 10
    response_iterations: int = 300
    response_trader: int = 0
    evaluation_episodes: int = 2**14
    window: int = 10

    def __post_init__(self) -> None:
        RunConfig.__post_init__(self)
        self._set("snapshots", check_integer("snapshots", self.snapshots, 1, 10_000))
        self._set("response_iterations", check_integer("response_iterations", self.response_iterations, 0))
        self._set("response_trader", check_integer("response_trader", self.response_trader, 0))
        self._set("evaluation_episodes", check_integer("evaluation_episodes", self.evaluation_episodes, 2, 2**31 - 1))
        self._set("window", check_integer("window", self.window, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketExperiment(Experiment):
    """A run of traders in the market. Warns by `IllPosedMarketWarning` where the market is ill posed.

    Attributes:
        game: Rules of the market.
        agent: Hyper-parameters of the agent, of the class that its kind demands.
        run: Seeds, what to keep, and how to judge it.
    """

    game: MarketConfig
    agent: Any
    run: MarketRunConfig

    def __post_init__(self) -> None:
        Experiment.__post_init__(self)
        check_integer("response_trader", self.run.response_trader, 0, self.game.n_agents - 1)
        self._warn()

    @property
    def kind(self) -> MarketAgent:
        """The kind of agent."""
        return AGENTS[self.run.agent]

    @property
    def total_rounds(self) -> int:
        """Training iterations of the whole run."""
        return self.kind.total_rounds(self.agent)

    def _warn(self) -> None:
        from mpgg_env.games.market.posedness import check_well_posed  # which the help should not wait for

        problem = check_well_posed(self.game)
        if problem is not None:
            warnings.warn(problem, IllPosedMarketWarning, stacklevel=4)
