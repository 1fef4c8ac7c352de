"""Numbers of the analysis for a game, to be compared with what is learned in it; fast ones only."""

import math
from collections.abc import Callable, Mapping
from typing import Final

from mpgg_env.analysis import metrics
from mpgg_env.analysis.choices import Stage
from mpgg_env.analysis.efficiency import relative_welfare, social_optimum
from mpgg_env.analysis.observe_n_symmetric import symmetric_equilibrium
from mpgg_env.analysis.outcomes import outcome
from mpgg_env.analysis.payoffs import best_values
from mpgg_env.core.rounding import whole_part
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.rules import casino_gains

_EQUILIBRIUM: Final = "in the {} pure equilibrium of one round in which agents see how many are in their casino"
_SYMMETRIC: Final = "in the symmetric mixed equilibrium of that round, what learners who look no further come to"
_EFFICIENCY: Final = "welfare relative to everybody cooperating in the best casino"
_COOPERATION: Final = "share of the agents who cooperate"

# Efficiencies are relative to N V, as the efficiency of a run is; NaN where V <= 0.
HELP: Final[Mapping[str, str]] = {
    "best_efficiency": f"{_EFFICIENCY}, {_EQUILIBRIUM.format('best')}",
    "best_cooperation": f"{_COOPERATION} {_EQUILIBRIUM.format('best')}",
    "worst_efficiency": f"{_EFFICIENCY}, {_EQUILIBRIUM.format('worst')}",
    "worst_cooperation": f"{_COOPERATION} {_EQUILIBRIUM.format('worst')}",
    "symmetric_efficiency": f"{_EFFICIENCY}, {_SYMMETRIC}",
    "symmetric_cooperation": f"{_COOPERATION} {_SYMMETRIC}",
    "optimum_efficiency": f"{_EFFICIENCY}, in the social optimum; below 1 where a capacity leaves agents without seats",
    "optimum_payoff": "payoff per agent and round in the social optimum",
    "capacity_efficiency": f"{_EFFICIENCY}, if cooperators fill the floor(r) seats of each casino, the best one first",
    "random_efficiency": f"{_EFFICIENCY}, if all stay where they start and half of each casino cooperates",
    "total_gain": "sum of the gain factors of all casinos",
    "seats": "sum of floor(r) over all casinos",
    "crowding": "agents per total_gain: above 1 there are more agents than can all cooperate with an incentive to",
}

# Above these the equilibria are NaN: they would take more than a fifth of a second, half a second with mechanisms.
MOST_CASINOS: Final = 10_000
MOST_PLACES: Final = 100_000  # agents times casinos, of symmetric equilibria
MOST_TABLE: Final = 600_000  # agents squared times casinos, where mechanisms or `min_players` make tables necessary


def theory(game: MPGGConfig) -> dict[str, float]:
    """The numbers of `HELP` for a game.

    Equilibria are NaN where the analysis refuses a game, and where it is so large that they would take long. Symmetric
    ones are found in games without mechanism alone.
    """
    gain, values, agents = casino_gains(game), best_values(game), game.n_players
    highest, plain = float(values.max()), game.mechanism is None and game.min_players == 1
    places = agents * game.n_casinos
    cheap = game.n_casinos <= MOST_CASINOS if plain else agents * places <= MOST_TABLE
    best = _known(lambda: _pure(game, "best"), cheap)
    worst = _known(lambda: _pure(game, "worst"), cheap)
    mixed = _known(lambda: _symmetric(game), plain and places <= MOST_PLACES)
    optimum = _known(lambda: (social_optimum(game), math.nan), plain or cheap)[0]

    def efficiency(welfare: float) -> float:
        return relative_welfare(welfare, agents * highest)

    return {
        "best_efficiency": efficiency(best[0]),
        "best_cooperation": best[1],
        "worst_efficiency": efficiency(worst[0]),
        "worst_cooperation": worst[1],
        "symmetric_efficiency": efficiency(mixed[0]),
        "symmetric_cooperation": mixed[1],
        "optimum_efficiency": efficiency(optimum),
        "optimum_payoff": optimum / agents,
        "capacity_efficiency": efficiency(metrics.carrying_capacity(agents, gain, values)),
        "random_efficiency": efficiency(metrics.random_welfare(metrics.initial_occupancy(game), values)),
        "total_gain": float(gain.sum()),
        "seats": float(whole_part(gain).sum()),
        "crowding": agents / float(gain.sum()),
    }


def _known(find: Callable[[], tuple[float, float]], cheap: bool) -> tuple[float, float]:
    """Welfare and cooperation, NaN where they would take long or the analysis refuses the game."""
    if not cheap:
        return math.nan, math.nan
    try:
        return find()
    except ValueError:
        return math.nan, math.nan


def _pure(game: MPGGConfig, kind: Stage) -> tuple[float, float]:
    found = outcome(game, kind, optimum=math.nan)
    return found.welfare, found.cooperation


def _symmetric(game: MPGGConfig) -> tuple[float, float]:
    found = symmetric_equilibrium(game)
    return found.welfare - found.sponsored, found.cooperation_rate
