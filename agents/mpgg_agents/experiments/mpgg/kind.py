"""The migratory public goods game as a kind of game that can be trained in."""

from typing import Final

from mpgg_agents.experiments.kinds import GameKind
from mpgg_agents.experiments.mpgg.agents import AGENTS
from mpgg_agents.experiments.mpgg.files import RESULTS
from mpgg_agents.experiments.mpgg.settings import ENV, MPGGExperiment, MPGGRunConfig
from mpgg_env.games.mpgg.config import DilemmaWarning, MPGGConfig

_TRAIN: Final = """Trains agents by independent Q-learning, with --agent dqn by deep Q-learning, or with --agent
nash_q by Nash Q-learning, one replica per seed, and writes a run folder with settings, per-round metrics (Parquet),
casino time series and final state (npz), a manifest with checksums, and figures."""

MPGG: Final = GameKind(
    env=ENV,
    title="public goods with migration",
    train_text=_TRAIN,
    game_class=MPGGConfig,
    run_class=MPGGRunConfig,
    experiment_class=MPGGExperiment,
    agents=AGENTS,
    results=RESULTS,
    notes=(DilemmaWarning,),
    package="mpgg_agents.experiments.mpgg",
)
