"""An equilibrium in money: what everybody has, what a sponsor pays, what changes hands and what is burnt."""

import math
from dataclasses import dataclass

import numpy as np

from mpgg_env.analysis.choices import Stage
from mpgg_env.analysis.efficiency import relative_welfare, social_optimum, social_welfare, sponsor_payments
from mpgg_env.analysis.observe_n_game import pure_equilibria
from mpgg_env.analysis.payoffs import Equilibrium
from mpgg_env.core.rounding import ROUNDING
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.mechanisms import terms_of, transfers
from mpgg_env.games.mpgg.rules import COOPERATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A game's equilibrium, in money.

    Attributes:
        equilibrium: The profile, with net and gross welfare and its exploitability.
        welfare: Net payoffs of all agents less what the sponsor pays, per round.
        efficiency: Welfare relative to the social optimum; NaN where this is not positive.
        cooperation: Share of the agents who cooperate.
        sponsor: What the sponsor pays per round.
        burnt: What is destroyed per round.
        exchanged: What agents pay each other per round; NaN under a capacity that turns some of them away, if there
            are other mechanisms too.
    """

    equilibrium: Equilibrium
    welfare: float
    efficiency: float
    cooperation: float
    sponsor: float
    burnt: float
    exchanged: float


def outcome(config: MPGGConfig, equilibrium: Stage = "best", optimum: float | None = None) -> Outcome:
    """The best or the worst equilibrium of the observe-n game, in money.

    Args:
        config: The game.
        equilibrium: Which one.
        optimum: Welfare that efficiency is relative to; None for the social optimum of the game.

    Raises:
        ValueError: The game is too large for its mechanism.
    """
    found: Equilibrium = getattr(pure_equilibria(config, stage=equilibrium), equilibrium)
    sponsor = float(sponsor_payments(config, found.occupancy, found.cooperators).sum())
    welfare = social_welfare(config, found)
    lost = found.gross - welfare
    optimum = social_optimum(config) if optimum is None else optimum
    return Outcome(
        equilibrium=found,
        welfare=welfare,
        efficiency=relative_welfare(welfare, optimum),
        cooperation=float(found.cooperators.sum()) / config.n_players,
        sponsor=sponsor,
        # Sums in another order differ by rounding even where nothing is lost.
        burnt=lost if abs(lost) > 1000 * ROUNDING * abs(found.gross) else 0.0,
        exchanged=_exchanged(config, found),
    )


def _exchanged(config: MPGGConfig, found: Equilibrium) -> float:
    if (found.occupancy > terms_of(config).seats).any():
        return math.nan if len(config.mechanisms) > 1 else 0.0
    positions = np.repeat(np.arange(config.n_casinos), found.occupancy)
    rank = np.arange(len(positions)) - np.repeat(np.cumsum(found.occupancy) - found.occupancy, found.occupancy)
    actions = np.where(rank < np.repeat(found.cooperators, found.occupancy), COOPERATE, 0)
    paid = [row[row < 0].sum() for name, row in transfers(config, positions, actions).items() if name != "peer"]
    return 0.0 - float(sum(paid))
