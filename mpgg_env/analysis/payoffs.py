"""stub"""
from dataclasses import dataclass
import numpy as np
from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.rules import casino_costs, casino_gains

def best_values(config: MPGGConfig) -> FloatArray:
    c, r = casino_costs(config), casino_gains(config)
    return c * (r - 1) if config.payoff == "text" else r - c

@dataclass(frozen=True, slots=True, kw_only=True)
class Equilibrium:
    occupancy: IntArray
    cooperators: IntArray
    welfare: float
    gross: float
    exploitability: float
