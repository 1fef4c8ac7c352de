"""The one-shot game of location and contribution: all pure equilibria of small instances, by enumeration.

Every agent chooses a casino, whichever it likes, and an action, all at once: the game that one round would be if
agents could go anywhere first. On a board on which v rises along both axes the same profiles are equilibria when
agents can only move by one cell, with a torus and with walls, since every casino but the best has a better neighbour.
`location_families` has them in closed form for any size, without mechanisms.
"""

import math
from typing import Final

import numpy as np

from mpgg_env.analysis.payoffs import (
    Equilibrium,
    Game,
    game_of,
    measured_profile,
    unilateral_gain,
    without_transfers,
)
from mpgg_env.core.compiled import compiled
from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.core.validation import check_integer, check_real
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.mechanisms import casino_payoffs, rebates, terms_of

# About ten seconds of enumeration.
MOST_PROFILES: Final = 10**7
# Equilibria that one call of the compiled loop can hand over.
BUFFER_LENGTH: Final = 4096
MOST_PAYOFFS_NORMAL_FORM: Final = 10**7


def n_count_profiles(config: MPGGConfig) -> int:
    """Number of profiles of counts of the one-shot game: N agents on 2 M strategies, C(N + 2 M - 1, N)."""
    return math.comb(config.n_players + 2 * config.n_casinos - 1, config.n_players)


def pure_equilibria(
    config: MPGGConfig, *, tolerance: float | None = None, limit: int = MOST_PROFILES
) -> list[Equilibrium]:
    """All pure equilibria of the one-shot game as profiles of counts, by enumeration, mechanisms included.

    Args:
        config: Rules of the game; `moves` and `boundary` play no part.
        tolerance: Largest gain from a deviation that still counts as none, at least 0; None for what rounding may make.
        limit: Most profiles of counts to look at.

    Returns:
        The equilibria, each with its exploitability, in lexicographic order of (defectors in casino 0, cooperators in
        casino 0, defectors in casino 1, ...).

    Raises:
        ValueError: The game has more profiles than `limit`, or a number is out of range.
        TypeError: A value has the wrong type.
    """
    game = game_of(config)
    allowed = game.tolerance if tolerance is None else check_real("tolerance", tolerance, 0)
    profiles = n_count_profiles(config)
    if profiles > check_integer("limit", limit, 1):
        raise ValueError(
            f"config must have at most limit={limit} profiles of counts, got {profiles} for {config.n_players} agents "
            f"in {config.n_casinos} casinos; without a mechanism location_families.characterise answers for any size"
        )
    plain = without_transfers(game)
    found: list[Equilibrium] = []
    counts = np.zeros(2 * config.n_casinos, np.int64)
    counts[-1] = config.n_players
    buffer = np.empty((BUFFER_LENGTH, len(counts)), np.int64)
    occupancy, cooperators = np.empty((2, config.n_casinos), np.int64)
    more = True
    while more:
        length, more = _next_equilibria(counts, game, allowed, occupancy, cooperators, buffer)
        for row in buffer[:length]:
            found.append(measured_profile(row[0::2] + row[1::2], row[1::2].copy(), game, plain))
    return found


def normal_form(config: MPGGConfig) -> FloatArray:
    """The one-shot game with a payoff for each profile of strategies, as `quantecon.game_theory.NormalFormGame` wants.

    Returns:
        (2 M, ..., 2 M, N): element [s_1, ..., s_N, i] is the payoff of agent i; strategy s = 2 m + a is casino m with
        action a, 0 = D, 1 = C.

    Raises:
        ValueError: The game has more than 10**7 payoffs, or with a toll more than 10**7 combinations of a profile and a
            casino.
    """
    agents, strategies = config.n_players, 2 * config.n_casinos
    if strategies**agents * agents > MOST_PAYOFFS_NORMAL_FORM:
        raise ValueError(
            f"config must have at most {MOST_PAYOFFS_NORMAL_FORM} payoffs in normal form, got "
            f"{agents} * {strategies}**{agents}"
        )
    chosen = np.moveaxis(np.indices((strategies,) * agents), 0, -1).reshape(-1, agents)
    casinos, actions = np.divmod(chosen, 2)
    together = casinos[:, :, None] == casinos[:, None, :]  # of agents, who are few; there may be many casinos
    members, cooperators = together.sum(axis=2), (together & (actions == 1)[:, None, :]).sum(axis=2)
    payoffs = casino_payoffs(config, casinos, members, cooperators)
    own: FloatArray = np.take_along_axis(payoffs, actions[..., None], axis=-1)[..., 0]
    if terms_of(config).rebates:
        own += np.take_along_axis(rebates(config, _occupancies(casinos, config.n_casinos)), casinos, axis=1)
    return own.reshape(*(strategies,) * agents, agents)


def _occupancies(casinos: IntArray, n_casinos: int) -> IntArray:
    """Agents in each casino, (profiles, M), from the casino of each agent, (profiles, N)."""
    cells = len(casinos) * n_casinos
    if cells > MOST_PAYOFFS_NORMAL_FORM:
        raise ValueError(
            f"config must have at most {MOST_PAYOFFS_NORMAL_FORM} combinations of a profile and a casino for the "
            f"normal form with a toll, got {cells}"
        )
    places = np.arange(len(casinos))[:, None] * n_casinos + casinos
    return np.bincount(places.reshape(-1), minlength=cells).reshape(-1, n_casinos)


@compiled
def _next_equilibria(
    counts: IntArray, game: Game, tolerance: float, occupancy: IntArray, cooperators: IntArray, buffer: IntArray
) -> tuple[int, bool]:
    """Goes through the profiles from `counts` (2 M,) on until there are no more or the `buffer` (rows, 2 M) is full.

    `counts` is left at the profile that comes next, `occupancy` and `cooperators` (M,) are scratch.

    Returns:
        Number of equilibria in the buffer, and whether profiles remain.
    """
    length, more = 0, True
    while more and length < len(buffer):
        for m in range(len(occupancy)):
            occupancy[m] = counts[2 * m] + counts[2 * m + 1]
            cooperators[m] = counts[2 * m + 1]
        if unilateral_gain(occupancy, cooperators, game) <= tolerance:
            for strategy in range(len(counts)):
                buffer[length, strategy] = counts[strategy]
            length += 1
        more = _next_composition(counts)
    return length, more


@compiled
def _next_composition(counts: IntArray) -> bool:
    """Turns `counts` into the lexicographically next ones with the same sum; False if they were the last."""
    last = len(counts) - 1
    while last > 0 and counts[last] == 0:
        last -= 1
    if last == 0:
        return False
    # One unit goes from the last part that has any to the part before it, and the rest of it to the very end.
    rest = counts[last] - 1
    counts[last] = 0
    counts[last - 1] += 1
    counts[len(counts) - 1] = rest
    return True
