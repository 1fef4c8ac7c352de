"""Symmetric mixed equilibria of the one-shot game in which location and contribution are chosen at once.

All agents choose casino m with probability x_m and cooperate there with probability q_m, independently. With
h(x) = E[1 / (1 + Bin(N - 1, x))], the mean inverse size of the group in which an agent finds itself, a defector of
casino m expects c r q (1 - h), and a cooperator c (r h - 1) more; h is a closed form. In the limit of many agents and
casinos the number of others becomes Poisson with mean N x, and N is the total mass that the casinos share.

The code payoff is the text payoff with gain r / c, so everything carries over to it. Mechanisms and `min_players > 1`
change the formulas and are refused.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from mpgg_env.analysis.payoffs import game_of
from mpgg_env.core.types import FloatArray
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.rules import COOPERATE, DEFECT, casino_costs, casino_gains

_BISECTIONS: Final = 1100  # enough to go from 1 to the smallest float; the loop ends when the bracket is closed


@dataclass(frozen=True, slots=True)
class SymmetricEquilibrium:
    """A profile in which all agents randomise alike, with what it gives.

    Attributes:
        probabilities: Probability x_m of choosing each casino, (M,).
        cooperation: Probability q_m of cooperating there, (M,); in a casino with x_m = 0 what a lone entrant would do.
        payoff: Expected payoff of an agent.
        welfare: Expected total payoff, N times that.
        cooperation_rate: Probability that an agent cooperates, sum of x_m q_m.
        exploitability: Largest gain from choosing any casino and action instead, computed from the profile alone.
    """

    probabilities: FloatArray
    cooperation: FloatArray
    payoff: float
    welfare: float
    cooperation_rate: float
    exploitability: float


def mean_inverse_group(probabilities: FloatArray, n_agents: int, *, mean_field: bool = False) -> FloatArray:
    """Mean of 1 / (size of the group in which an agent finds itself), h(x), in the shape of `probabilities`.

    Args:
        probabilities: Probability x in [0, 1] with which each other agent is in the casino.
        n_agents: Number of agents N, this one included.
        mean_field: Whether the number of others is Poisson with mean N x instead of binomial.

    Returns:
        (1 - (1 - x)^N) / (N x), or with the Poisson law (1 - e^(-N x)) / (N x); 1 at x = 0.
    """
    mass = n_agents * np.asarray(probabilities, dtype=np.float64)
    with np.errstate(divide="ignore"):  # x = 1: nobody is elsewhere, the logarithm is -inf and rightly so
        nobody = -mass if mean_field else n_agents * np.log1p(-np.asarray(probabilities, dtype=np.float64))
    inverse = np.divide(-np.expm1(nobody), mass, out=np.ones(mass.shape), where=mass > 0)
    return np.asarray(np.minimum(inverse, 1.0))


def expected_payoffs(
    config: MPGGConfig, probabilities: FloatArray, cooperation: FloatArray, *, mean_field: bool = False
) -> FloatArray:
    """Exact expected payoff of defecting and of cooperating in each casino, (..., M, 2), when all others play (x, q).

    Args:
        config: The game, without mechanism and with `min_players=1`.
        probabilities: x, (..., M).
        cooperation: q, (..., M).
        mean_field: See `mean_inverse_group`.

    Raises:
        ValueError: The game has a mechanism or `min_players` above 1; a value is not in [0, 1] or a shape is wrong.
    """
    check_plain(config, "the expected payoffs in closed form")
    cost, returns = casino_costs(config), pool_returns(config)
    probabilities, cooperation = np.asarray(probabilities), np.asarray(cooperation)
    for name, values in (("probabilities", probabilities), ("cooperation", cooperation)):
        if values.shape[-1:] != cost.shape or not ((values >= 0) & (values <= 1)).all():
            raise ValueError(f"{name} must be numbers in [0, 1], one for each of {cost.size} casinos, got {values!r}")
    inverse = mean_inverse_group(probabilities, config.n_players, mean_field=mean_field)
    payoffs = np.empty((*np.shape(probabilities), 2))
    payoffs[..., DEFECT] = returns * cooperation * (1 - inverse)
    payoffs[..., COOPERATE] = payoffs[..., DEFECT] + returns * inverse - cost
    return payoffs


def symmetric_equilibrium(config: MPGGConfig, *, mean_field: bool = False) -> SymmetricEquilibrium:
    """The symmetric mixed equilibrium of the one-shot game, in O(M log M).

    Casinos are taken in the order of v = c (r - 1) and each gets the probability at which cooperating and defecting
    are worth the same, h(x) = 1 / r, until the probability is used up. The v of the last one is everybody's payoff u;
    it is all C, and in better casinos the share of cooperators is u / v. If the probability is never used up, u = 0
    and all defect. Casinos that tie share in proportion.

    Raises:
        ValueError: The game has a mechanism or `min_players` above 1.
    """
    check_plain(config, "the symmetric equilibrium in closed form")
    value = np.maximum(pool_returns(config) - casino_costs(config), 0.0)  # below 0 nobody cooperates, and all get 0
    room = np.where(value > 0, _indifferent_probabilities(config, mean_field), 1.0)
    tolerance = game_of(config).tolerance
    room = np.where(value > tolerance, room, 0.0)
    order = np.argsort(-value, kind="stable")
    filled = int(np.searchsorted(np.cumsum(room[order]), 1.0))
    if filled == value.size:
        return symmetric_profile(
            config, _all_defect(room, np.where(value <= tolerance, 1.0, 0.0)), np.zeros(value.size), mean_field
        )
    level = float(value[order[filled]])
    better = value > level + tolerance
    tied = np.abs(value - level) <= tolerance
    probabilities = np.where(better, room, 0.0)
    probabilities[tied] = np.minimum(room[tied] * (1 - probabilities.sum()) / room[tied].sum(), 1.0)
    cooperation = np.divide(level, value, out=np.ones(value.size), where=better)
    return symmetric_profile(config, probabilities, cooperation, mean_field)


def symmetric_profile(
    config: MPGGConfig, probabilities: FloatArray, cooperation: FloatArray, mean_field: bool = False
) -> SymmetricEquilibrium:
    """What the symmetric profile (x, q), both (M,), gives, and how far it is from an equilibrium.

    Raises:
        ValueError: See `expected_payoffs`.
    """
    payoffs = expected_payoffs(config, probabilities, cooperation, mean_field=mean_field)
    mixed = np.stack([1 - cooperation, cooperation], axis=-1) * probabilities[:, None]
    payoff = float((mixed * payoffs).sum())
    return SymmetricEquilibrium(
        probabilities=probabilities,
        cooperation=cooperation,
        payoff=payoff,
        welfare=config.n_players * payoff,
        cooperation_rate=float(mixed[:, COOPERATE].sum()),
        exploitability=max(float(payoffs.max()) - payoff, 0.0),
    )


def check_plain(config: MPGGConfig, what: str) -> None:
    """Raises ValueError unless the game has neither mechanism nor a minimum of players."""
    if config.mechanism is not None:
        raise ValueError(f"mechanism must be None for {what}, got {config.mechanism!r}")
    if config.min_players > 1:
        raise ValueError(f"min_players must be 1 for {what}, got {config.min_players}")


def pool_returns(config: MPGGConfig) -> FloatArray:
    """What a contribution is worth to a casino in all, (M,): r c, or r with the code payoff."""
    gain = casino_gains(config)
    return gain * casino_costs(config) if config.payoff == "text" else gain


def _indifferent_probabilities(config: MPGGConfig, mean_field: bool) -> FloatArray:
    """The x at which r c h(x) = c, (M,): 1 if cooperating pays in any group, 0 if it pays in none."""
    cost, returns = casino_costs(config), pool_returns(config)
    low, high = np.zeros(cost.size), np.ones(cost.size)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if ((middle == low) | (middle == high)).all():
            break
        pays = returns * mean_inverse_group(middle, config.n_players, mean_field=mean_field) >= cost
        low, high = np.where(pays, middle, low), np.where(pays, high, middle)
    everywhere = returns * mean_inverse_group(np.ones(cost.size), config.n_players, mean_field=mean_field) >= cost
    return np.where(everywhere, 1.0, low)


def _all_defect(room: FloatArray, worthless: FloatArray) -> FloatArray:
    """Probabilities of at least `room`, which sums to less than 1; the rest goes to casinos marked 1, if any, (M,)."""
    left = 1 - room.sum()
    weight = worthless if worthless.any() else room
    if weight.sum() == 0:
        weight = np.ones(room.size)
    filled: FloatArray = np.minimum(room + left * weight / weight.sum(), 1.0)
    return filled
