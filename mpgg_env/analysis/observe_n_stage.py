"""Stage 2 of the observe-n game: who cooperates in a casino whose occupancy everybody knows."""

from typing import Final

import numpy as np

from mpgg_env.analysis.choices import Stage
from mpgg_env.analysis.payoffs import Game, game_of, leaving_bonus, magnitudes
from mpgg_env.core.compiled import compiled
from mpgg_env.core.rounding import ROUNDING
from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.mechanisms import casino_payoffs, rules_of
from mpgg_env.games.mpgg.rules import COOPERATE, DEFECT, casino_costs, casino_gains
from mpgg_env.games.mpgg.transfers import toll_at

MOST_STAGE_CELLS: Final = 50_000_000


def cooperative_seats(config: MPGGConfig, *, stage: Stage) -> IntArray:
    """Largest occupancy at which members cooperate without a mechanism, (M,), at most N.

    Cooperating pays r / n of its cost (r / (n c) with the code payoff): C is dominant for n below the seats, D above
    the ratio r (r / c); where n equals the ratio everything is an equilibrium, the best all C, the worst all D.
    """
    cost, gain = casino_costs(config), casino_gains(config)
    price = np.ones(cost.shape) if config.payoff == "text" else cost
    ratio = np.divide(gain, price, out=np.full(cost.shape, np.inf), where=price > 0)
    ratio = np.minimum(ratio, config.n_players + 1.0)
    seats = np.floor(ratio * (1 + ROUNDING)) if stage == "best" else np.ceil(ratio * (1 - ROUNDING)) - 1
    whole: IntArray = np.clip(seats, 0, config.n_players).astype(np.int64)
    return whole


def mean_payoffs(config: MPGGConfig, casinos: IntArray, occupancy: IntArray, cooperators: IntArray) -> FloatArray:
    """Mean payoff of the members of casinos, before rebates; 0 where nobody is. The arrays broadcast."""
    payoffs = casino_payoffs(config, casinos, occupancy, cooperators)
    defectors = np.asarray(occupancy - cooperators)
    # A role that nobody has is NaN.
    total = np.where(defectors > 0, defectors * payoffs[..., DEFECT], 0.0)
    total = total + np.where(cooperators > 0, cooperators * payoffs[..., COOPERATE], 0.0)
    mean: FloatArray = total / np.maximum(occupancy, 1)
    return mean


def action_gains(config: MPGGConfig, casinos: IntArray, occupancy: IntArray, cooperators: IntArray) -> FloatArray:
    """Largest gain of a single member of each casino who changes its action alone; 0 where nobody is."""
    now = casino_payoffs(config, casinos, occupancy, cooperators)
    with_one_more = casino_payoffs(config, casinos, occupancy, np.minimum(cooperators + 1, occupancy))
    with_one_less = casino_payoffs(config, casinos, occupancy, np.maximum(cooperators - 1, 0))
    joining = np.where(cooperators < occupancy, with_one_more[..., COOPERATE] - now[..., DEFECT], 0.0)
    leaving = np.where(cooperators > 0, with_one_less[..., DEFECT] - now[..., COOPERATE], 0.0)
    return np.maximum(np.maximum(joining, leaving), 0.0)


def stage_tables(config: MPGGConfig, stage: Stage) -> tuple[IntArray, FloatArray]:
    """Cooperators and mean payoff of the equilibrium that is played in casino m with n members, both (M, N + 1).

    The casino's equilibria are all numbers of cooperators from which no single member gains by changing its action;
    a symmetric game of two actions always has one.

    Raises:
        ValueError: There are too many combinations of casino, occupancy and cooperators.
    """
    agents, casinos = config.n_players, np.arange(config.n_casinos)[:, None]
    cells = config.n_casinos * (agents + 1) * (agents + 2) // 2
    if cells > MOST_STAGE_CELLS:
        raise ValueError(
            "with a mechanism or min_players > 1 the observe-n game must have at most "
            f"{MOST_STAGE_CELLS} combinations of casino, occupancy and cooperators, got {cells} "
            f"for n_agents={agents} and {config.n_casinos} casinos"
        )
    cooperators = np.zeros((config.n_casinos, agents + 1), dtype=np.int64)
    payoffs = np.zeros((config.n_casinos, agents + 1))
    for occupancy in range(1, agents + 1):
        cooperators[:, occupancy], payoffs[:, occupancy] = _stage_equilibrium(config, casinos, occupancy, stage)
    return cooperators, payoffs


def toll_tables(config: MPGGConfig) -> tuple[FloatArray, FloatArray]:
    """Tolls and rebates of casino m as functions of the number n of its members, both (M, N + 1).

    Returns:
        What agents get back of what each member pays, and what joining the casino as its n-th member costs an agent in
        rebates: its part of what the n - 1 others pay there, which it would receive outside; less the toll that it
        gets back if all N are in the casino.
    """
    agents = config.n_players
    tolls, forgone = np.zeros((2, config.n_casinos, agents + 1))
    _fill_tolls(game_of(config), tolls, forgone)
    return tolls, forgone


@compiled
def _fill_tolls(game: Game, tolls: FloatArray, forgone: FloatArray) -> None:
    for m in range(tolls.shape[0]):
        for n in range(1, game.agents + 1):
            tolls[m, n] = toll_at(m, n, game.rules.terms) if game.rules.terms.rebates else 0.0
            forgone[m, n] = leaving_bonus(m, n, game)


def _stage_equilibrium(
    config: MPGGConfig, casinos: IntArray, occupancy: int, stage: Stage
) -> tuple[IntArray, FloatArray]:
    counts = np.arange(occupancy + 1)
    members = np.full_like(counts, occupancy)
    gains = action_gains(config, casinos, members, counts)
    means = mean_payoffs(config, casinos, members, counts)
    stable = gains <= ROUNDING * magnitudes(rules_of(config))[:, None]
    sign = 1.0 if stage == "best" else -1.0
    worth = np.where(stable, sign * means, -np.inf)
    # Among equals the best has the most cooperators and the worst the fewest.
    chosen = occupancy - worth[:, ::-1].argmax(axis=1) if stage == "best" else worth.argmax(axis=1)
    return chosen, means[np.arange(len(means)), chosen]
