"""Asynchronous best responses in the one-shot game of location and contribution.

One agent after the other, drawn at random, takes the casino and action that pay it most, the others' choices given. The
process need not settle even where a pure equilibrium exists: defectors chase cooperators.
"""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from mpgg_env.analysis.payoffs import (
    Equilibrium,
    Game,
    best_entry,
    best_values,
    check_profile,
    game_of,
    leaving_bonus,
    measured,
    role_payoff,
    unilateral_gain,
    without_transfers,
)
from mpgg_env.core.compiled import compiled
from mpgg_env.core.philox import below, draw_words
from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.core.validation import check_integer, check_pair
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.rules import COOPERATE, DEFECT

# What the random words are for: who is next, and where everybody starts.
PURPOSE_TURN: Final = 0
PURPOSE_START: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BestResponsePath:
    """Where a path of best responses led.

    Attributes:
        profile: The last profile, with its exploitability; an equilibrium iff the path settled.
        settled: Whether at the end no agent could gain anything.
        updates: Agents that were asked, those included that stayed as they were.
        cooperation_rate: Mean share of cooperators over each window of updates, (windows,).
        efficiency: Mean gross welfare / (N V) over each window, V the highest v, (windows,); NaN if V <= 0.
    """

    profile: Equilibrium
    settled: bool
    updates: int
    cooperation_rate: FloatArray
    efficiency: FloatArray


class _Path(NamedTuple):
    """The state of a path; all arrays are modified in place."""

    strategies: IntArray  # (N,): 2 m + a
    occupancy: IntArray  # (M,)
    cooperators: IntArray  # (M,)
    entry: FloatArray  # (2 * leaves,): a tree of maxima over what an entrant gets, casino m in leaf leaves + m


def best_response_dynamics(
    config: MPGGConfig,
    seed: int,
    *,
    updates: int = 100_000,
    windows: int = 10,
    start: tuple[Any, Any] | None = None,
) -> BestResponsePath:
    """Follows best responses until nobody can gain, or for `updates` agents.

    An agent changes only to gain more than rounding may make. Among equally good replies it prefers its own casino to
    others, the casino with the lowest index among these, and D to C. An update takes time proportional to the
    logarithm of the number of casinos, about a microsecond for 10,000 of them; a capacity adds its lottery.

    Args:
        config: Rules of the game; `moves` and `boundary` play no part.
        seed: Seed of the random order, in [0, 2**64).
        updates: Agents to ask, at least 1.
        windows: Equal parts of the updates over which means are taken, a divisor of `updates`.
        start: Profile to start from, (occupancy, cooperators); None draws casino and action of every agent uniformly.

    Returns:
        The path's end and its means. Once settled it stands still, and the windows that remain have its values.

    Raises:
        ValueError: A number is out of range.
        TypeError: A value has the wrong type.
    """
    seed = check_integer("seed", seed, 0, 2**64 - 1)
    updates, windows = check_integer("updates", updates, 1), check_integer("windows", windows, 1)
    if updates % windows:
        raise ValueError(f"updates must be a multiple of windows={windows}, got {updates}")
    game = game_of(config)
    path = _starting_path(config, seed, start, game)
    cooperation, efficiency = np.empty(windows), np.empty(windows)
    done, settled = _follow(path, game, without_transfers(game), seed, updates // windows, cooperation, efficiency)
    highest = float(best_values(config).max())
    return BestResponsePath(
        profile=measured(config, path.occupancy, path.cooperators),
        settled=settled,
        updates=done,
        cooperation_rate=cooperation / config.n_players,
        efficiency=efficiency / (config.n_players * highest) if highest > 0 else np.full(windows, np.nan),
    )


def _starting_path(config: MPGGConfig, seed: int, start: tuple[Any, Any] | None, game: Game) -> _Path:
    casinos, agents = config.n_casinos, config.n_players
    if start is None:
        strategies = np.empty(agents, np.int64)
        _draw_strategies(seed, casinos, strategies)
        occupancy = np.bincount(strategies // 2, minlength=casinos)
        cooperators = np.bincount(strategies // 2, weights=strategies % 2, minlength=casinos).astype(np.int64)
    else:
        occupancy, cooperators = check_profile(config, *check_pair("start", start))
        counts = np.stack([occupancy - cooperators, cooperators], axis=-1).reshape(-1)
        strategies = np.repeat(np.arange(2 * casinos), counts)
    leaves = 1 << (casinos - 1).bit_length()
    path = _Path(strategies, occupancy, cooperators, np.full(2 * leaves, -np.inf))
    _fill_tree(path, game)
    return path


@compiled
def _draw_strategies(seed: int, casinos: int, strategies: IntArray) -> None:
    for i in range(len(strategies)):
        place, action, _, _ = draw_words(seed, i, 0, PURPOSE_START)
        strategies[i] = 2 * below(place, casinos) + below(action, 2)


@compiled
def _fill_tree(path: _Path, game: Game) -> None:
    for m in range(len(path.occupancy)):
        _update_entry(m, path, game)


@compiled
def _update_entry(m: int, path: _Path, game: Game) -> None:
    """Sets what an entrant gets in casino m, and the maxima above it."""
    leaves = len(path.entry) // 2
    # With everybody inside there is nobody who could come.
    full = path.occupancy[m] == game.agents
    node = leaves + m
    path.entry[node] = -np.inf if full else best_entry(m, path.occupancy[m], path.cooperators[m], game)
    while node > 1:
        node //= 2
        path.entry[node] = max(path.entry[2 * node], path.entry[2 * node + 1])


@compiled
def _best_elsewhere(m: int, path: _Path) -> int:
    """The casino other than m where an entrant gets most, the lowest index among equals; -1 if there is none."""
    leaves = len(path.entry) // 2
    node, best, value = leaves + m, -1, -np.inf
    while node > 1:
        sibling = node ^ 1
        # A sibling on the left has lower indices than all that was looked at before.
        if path.entry[sibling] > value or (path.entry[sibling] == value and sibling < node and best >= 0):
            best, value = sibling, path.entry[sibling]
        node //= 2
    if best < 0:
        return -1
    while best < leaves:
        best *= 2
        if path.entry[best] != value:
            best += 1
    return best - leaves


@compiled
def _follow(
    path: _Path,
    game: Game,
    plain: Game,
    seed: int,
    window: int,
    cooperation: FloatArray,
    efficiency: FloatArray,
) -> tuple[int, bool]:
    """Fills the means over each window: cooperators and gross welfare.

    Returns:
        Number of updates done, and whether nobody can gain.
    """
    done, unchanged, settled = 0, 0, False
    for w in range(len(cooperation)):
        total, welfare = 0, 0.0
        for m in range(len(path.occupancy)):
            total += path.cooperators[m]
            welfare += _gross(m, path, plain)
        all_cooperators, all_welfare = 0.0, 0.0
        for _ in range(window):
            if not settled:
                word, _, _, _ = draw_words(seed, 0, done, PURPOSE_TURN)
                done += 1
                agent = below(word, len(path.strategies))
                old, new = path.strategies[agent], _reply(path.strategies[agent], path, game)
                unchanged += 1
                if new != old:
                    unchanged = 0
                    welfare -= _gross_of_both(old, new, path, plain)
                    _change(agent, old, new, path, game)
                    welfare += _gross_of_both(old, new, path, plain)
                    total += new % 2 - old % 2
                elif unchanged >= len(path.strategies):
                    settled = unilateral_gain(path.occupancy, path.cooperators, game) <= game.tolerance
                    unchanged = 0
            all_cooperators += total
            all_welfare += welfare
        cooperation[w], efficiency[w] = all_cooperators / window, all_welfare / window
    if not settled:
        settled = unilateral_gain(path.occupancy, path.cooperators, game) <= game.tolerance
    return done, settled


@compiled
def _reply(strategy: int, path: _Path, game: Game) -> int:
    """The best reply of an agent with this strategy, the strategy itself if there is nothing to gain."""
    m, action = strategy // 2, strategy % 2
    n, k = path.occupancy[m], path.cooperators[m]
    own = role_payoff(action, m, n, k, game)
    switching = role_payoff(1 - action, m, n, k + 1 - 2 * action, game)
    target = _best_elsewhere(m, path)
    moving = path.entry[len(path.entry) // 2 + target] + leaving_bonus(m, n, game) if target >= 0 else -np.inf
    if max(switching, moving) <= own + game.tolerance:
        return strategy
    if switching >= moving:
        return 2 * m + 1 - action
    return 2 * target + _entering_action(target, path, game)


@compiled
def _entering_action(m: int, path: _Path, game: Game) -> int:
    n, k = path.occupancy[m], path.cooperators[m]
    cooperating = role_payoff(COOPERATE, m, n + 1, k + 1, game)
    return COOPERATE if cooperating > role_payoff(DEFECT, m, n + 1, k, game) + game.tolerance else DEFECT


@compiled
def _change(agent: int, old: int, new: int, path: _Path, game: Game) -> None:
    path.strategies[agent] = new
    path.occupancy[old // 2] -= 1
    path.cooperators[old // 2] -= old % 2
    path.occupancy[new // 2] += 1
    path.cooperators[new // 2] += new % 2
    _update_entry(old // 2, path, game)
    _update_entry(new // 2, path, game)


@compiled
def _gross(m: int, path: _Path, plain: Game) -> float:
    """Payoffs of the members of casino m before transfers."""
    n, k = path.occupancy[m], path.cooperators[m]
    welfare = 0.0
    if k > 0:
        welfare += k * role_payoff(COOPERATE, m, n, k, plain)
    if n > k:
        welfare += (n - k) * role_payoff(DEFECT, m, n, k, plain)
    return welfare


@compiled
def _gross_of_both(old: int, new: int, path: _Path, plain: Game) -> float:
    if old // 2 == new // 2:
        return _gross(old // 2, path, plain)
    return _gross(old // 2, path, plain) + _gross(new // 2, path, plain)
