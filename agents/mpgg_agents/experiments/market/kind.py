"""The trading market as a kind of game that can be trained in."""

from typing import Final

from mpgg_agents.experiments.files import POLICY_RESULTS
from mpgg_agents.experiments.kinds import GameKind
from mpgg_agents.experiments.market.agents import AGENTS
from mpgg_agents.experiments.market.settings import ENV, MarketExperiment, MarketRunConfig
from mpgg_env.games.market.config import IllPosedMarketWarning, MarketConfig

_TRAIN: Final = """Trains traders by Nash-DQN, or with --agent fp_ddpg by fictitious play with best responses by DDPG,
one replica per seed; judges the policies that were kept on the way; and writes a run folder with settings, measures of
every iteration (Parquet), weights and judgements (npz), a manifest with checksums, and figures."""

MARKET: Final = GameKind(
    env=ENV,
    title="trading market",
    train_text=_TRAIN,
    game_class=MarketConfig,
    run_class=MarketRunConfig,
    experiment_class=MarketExperiment,
    agents=AGENTS,
    results=POLICY_RESULTS,
    notes=(IllPosedMarketWarning,),
    package="mpgg_agents.experiments.market",
)
