"""Mechanisms of the game: fines, subsidies, tolls and their like, and what they do to payoffs.

Functions of configurations and arrays; every number comes from the compiled rules that also settle the games.
"""

from typing import Any, Final

import numpy as np

from mpgg_env.core.rounding import whole_part
from mpgg_env.core.types import BoolArray, FloatArray, IntArray
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.expectation import fill_expected
from mpgg_env.games.mpgg.mechanism_config import (
    MECHANISMS,
    Capacity,
    Fine,
    LocalSubsidy,
    Mechanism,
    PeerPunishment,
    Pigou,
    Subsidy,
    Toll,
)
from mpgg_env.games.mpgg.rules import COOPERATE, casino_costs, casino_gains
from mpgg_env.games.mpgg.transfers import EXCLUDED, MONEY, Rules, Terms, fill_rebates, fill_transfers

__all__ = [
    "MECHANISMS",
    "Capacity",
    "Fine",
    "LocalSubsidy",
    "Mechanism",
    "PeerPunishment",
    "Pigou",
    "Subsidy",
    "Toll",
    "casino_payoffs",
    "rebates",
    "rules_of",
    "terms_of",
    "transfers",
]
UNLIMITED: Final = 2**62


def rules_of(config: MPGGConfig) -> Rules:
    """What decides payoffs, in the form of the compiled rules."""
    return Rules(
        cost=casino_costs(config),
        gain=casino_gains(config),
        pays_cost=config.payoff == "text",
        min_players=config.min_players,
        terms=terms_of(config),
    )


def terms_of(config: MPGGConfig) -> Terms:
    """The mechanisms' parameters in the form of the compiled rules."""
    kinds: dict[str, Any] = {mechanism.name: mechanism for mechanism in config.mechanisms}
    whole_gains = whole_part(casino_gains(config))

    def amounts(name: str, parameter: str) -> FloatArray:
        values = getattr(kinds[name], parameter) if name in kinds else 0.0
        return np.array(np.broadcast_to(np.asarray(values, np.float64), config.n_casinos))

    def seats(name: str) -> IntArray:
        given = kinds[name].seats if name in kinds else UNLIMITED
        values = whole_gains if given is None else np.asarray(given, np.int64)
        return np.array(np.broadcast_to(values, config.n_casinos))

    return Terms(
        active=bool(kinds),
        levies="toll" in kinds,
        rebates="toll" in kinds and kinds["toll"].rebate == "others",
        limits="capacity" in kinds,
        fine=amounts("fine", "amount"),
        subsidy=amounts("subsidy", "amount"),
        local_subsidy=amounts("subsidy_local", "amount"),
        rate=amounts("pigou", "rate"),
        punishment=amounts("peer", "punishment"),
        punishment_cost=amounts("peer", "cost"),
        fee=amounts("toll", "fee"),
        surcharge=amounts("toll", "surcharge"),
        toll_seats=seats("toll"),
        seats=seats("capacity"),
    )


def casino_payoffs(config: MPGGConfig, casinos: Any, occupancy: Any, cooperators: Any) -> FloatArray:
    """Exact expected payoffs of a defector and of a cooperator, over the draw of those who play under a capacity.

    All mechanisms are in them, tolls included, but not what the agents of a casino get from the tolls of the others:
    see `rebates`. The three arrays are broadcast against each other.

    Args:
        config: Rules of the game.
        casinos: Casino m, integers in [0, n_casinos).
        occupancy: Its members n, integers >= 0.
        cooperators: Those of them who cooperate, integers in [0, n].

    Returns:
        (..., 2): element 0 is a defector's payoff, NaN if there is none (k = n), element 1 a cooperator's, NaN if
        there is none (k = 0).

    Raises:
        ValueError: A number is out of its range, or the shapes do not go together.
        TypeError: An array does not hold integers.
    """
    m, n, k = np.broadcast_arrays(
        _integers("casinos", casinos, config.n_casinos - 1),
        _integers("occupancy", occupancy, 2**31),
        _integers("cooperators", cooperators, 2**31),
    )
    if (k > n).any():
        wrong = np.argwhere(k > n)[0]
        raise ValueError(f"cooperators must be in [0, {n[tuple(wrong)]}], got {k[tuple(wrong)]}")
    payoffs = np.empty((m.size, 2))
    flat_m, flat_n, flat_k = (np.array(array).reshape(-1) for array in (m, n, k))
    fill_expected(flat_m, flat_n, flat_k, rules_of(config), payoffs)
    return payoffs.reshape(*m.shape, 2)


def rebates(config: MPGGConfig, occupancy: Any) -> FloatArray:
    """What each member of a casino gets from the tolls that the casinos take; 0 without a toll.

    What a casino takes is shared by all agents outside it, and returned to its members if nobody is outside; with the
    rebate "none" a sponsor keeps it.

    Args:
        config: Rules of the game.
        occupancy: Agents in each casino, (..., n_casinos); they need not be as many as the game has.

    Returns:
        (..., n_casinos); the entry of an empty casino means nothing: an agent who went there would change the others.

    Raises:
        ValueError: A number is negative or the shape is wrong.
        TypeError: The occupancy does not hold integers.
    """
    counts = _integers("occupancy", occupancy, 2**31)
    if counts.ndim == 0 or counts.shape[-1] != config.n_casinos:
        raise ValueError(f"occupancy must have shape (..., {config.n_casinos}), got {counts.shape}")
    rows = counts.reshape(-1, config.n_casinos)
    shared = np.empty(rows.shape)
    terms = terms_of(config)
    for row, shares in zip(rows, shared, strict=True):
        fill_rebates(row, terms, shares)
    return shared.reshape(counts.shape)


def transfers(config: MPGGConfig, positions: Any, actions: Any, plays: Any = None) -> dict[str, FloatArray]:
    """Who paid what: the net money that each agent received in a game, by mechanism.

    Args:
        config: Rules of the game.
        positions: Casino of each agent, (..., N); N need not be the number of agents that the game has.
        actions: 0 = D, 1 = C, (..., N).
        plays: Which agents found a seat, (..., N) booleans; only needed under a capacity that is exceeded.

    Returns:
        For each mechanism of the game that moves money (all but the capacity) an array (..., N); a fine, a local
        subsidy, a toll and a Pigou transfer add up to 0 over the agents, a subsidy to what the sponsor pays, a toll
        with the rebate "none" to minus what it keeps, peer punishment to minus what is burnt. Payoffs are what the
        game without mechanisms pays the players plus these.

    Raises:
        ValueError: A shape or number is wrong, or not exactly the seats of a casino are taken.
        TypeError: An array has the wrong element type.
    """
    places = _integers("positions", positions, config.n_casinos - 1)
    chosen = _integers("actions", actions, 1)
    if places.ndim == 0 or places.shape != chosen.shape:
        raise ValueError(f"actions must have the shape of positions, {places.shape}, got {chosen.shape}")
    playing = np.ones(places.shape, np.bool_) if plays is None else np.asarray(plays)
    if playing.dtype != np.bool_ or playing.shape != places.shape:
        raise TypeError(f"plays must be booleans of shape {places.shape}, got {playing.dtype} {playing.shape}")
    rules = rules_of(config)
    received = np.zeros((len(MONEY), *places.shape))
    for index in np.ndindex(places.shape[:-1]):
        received[(slice(None), *index)] = _one_game(rules, places[index], chosen[index], playing[index])
    return by_mechanism(config, received)


def by_mechanism(config: MPGGConfig, received: FloatArray) -> dict[str, FloatArray]:
    """The rows of `received` (kinds, ...), in the order of `MONEY`, that belong to mechanisms of the game."""
    names = [mechanism.name for mechanism in config.mechanisms if mechanism.name in MONEY]
    return {name: received[MONEY.index(name)] for name in names}


def _one_game(rules: Rules, places: IntArray, chosen: IntArray, playing: BoolArray) -> FloatArray:
    """The transfers of one game, (kinds, N)."""

    def count(agents: BoolArray) -> IntArray:
        return np.bincount(places[agents], minlength=len(rules.cost))

    occupancy, players = count(np.ones_like(playing)), count(playing)
    seats = np.minimum(occupancy, rules.terms.seats)
    wrong = np.flatnonzero(players != seats)
    if len(wrong):
        m = wrong[0]
        raise ValueError(f"plays must seat {seats[m]} of the {occupancy[m]} members of casino {m}, got {players[m]}")
    roles = np.where(playing, chosen, EXCLUDED).astype(np.int8)
    shared, received = np.empty(len(rules.cost)), np.empty((len(MONEY), len(places)))
    fill_rebates(occupancy, rules.terms, shared)
    fill_transfers(places, roles, occupancy, players, count(roles == COOPERATE), shared, rules, received)
    return received


def _integers(name: str, values: Any, maximum: int) -> IntArray:
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must be integers, got an array of {array.dtype}")
    if array.size and (array.min() < 0 or array.max() > maximum):
        raise ValueError(f"{name} must be in [0, {maximum}], got {array[(array < 0) | (array > maximum)][0]}")
    return array.astype(np.int64)
