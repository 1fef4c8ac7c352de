"""Nash Q-learning for two to four agents; needs `mpgg-env[equilibria]` from three agents on."""

from typing import TYPE_CHECKING

from mpgg_env.core.lazy import lazy_names

if TYPE_CHECKING:
    from mpgg_agents.nash_q.agent import NashQAgent
    from mpgg_agents.nash_q.config import NashQConfig
    from mpgg_agents.nash_q.loading import load_population
    from mpgg_agents.nash_q.presets import PRESETS
    from mpgg_agents.nash_q.solver import pure_equilibria, solve_stage_game, solve_stage_games
    from mpgg_agents.nash_q.tables import QTables, Sight, StageGame
    from mpgg_agents.nash_q.trainer import NashQTrainer
    from mpgg_agents.nash_q.training import NashQPopulation, StepResult, train

__all__ = [
    "PRESETS",
    "NashQAgent",
    "NashQConfig",
    "NashQPopulation",
    "NashQTrainer",
    "QTables",
    "Sight",
    "StageGame",
    "StepResult",
    "load_population",
    "pure_equilibria",
    "solve_stage_game",
    "solve_stage_games",
    "train",
]

__getattr__ = lazy_names(
    __name__,
    {
        "NashQAgent": "mpgg_agents.nash_q.agent",
        "NashQConfig": "mpgg_agents.nash_q.config",
        "load_population": "mpgg_agents.nash_q.loading",
        "PRESETS": "mpgg_agents.nash_q.presets",
        "pure_equilibria": "mpgg_agents.nash_q.solver",
        "solve_stage_game": "mpgg_agents.nash_q.solver",
        "solve_stage_games": "mpgg_agents.nash_q.solver",
        "QTables": "mpgg_agents.nash_q.tables",
        "Sight": "mpgg_agents.nash_q.tables",
        "StageGame": "mpgg_agents.nash_q.tables",
        "NashQTrainer": "mpgg_agents.nash_q.trainer",
        "NashQPopulation": "mpgg_agents.nash_q.training",
        "StepResult": "mpgg_agents.nash_q.training",
        "train": "mpgg_agents.nash_q.training",
    },
)
