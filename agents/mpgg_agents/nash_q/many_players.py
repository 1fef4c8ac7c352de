"""Mixed equilibria of games of three and more players: McLennan and Tourky's algorithm, then Newton's method.

The algorithm ([McLennanTourky2006], by quantecon) comes as near to an equilibrium as it is told to, and the nearer the
slower. Here it only has to find which actions are played: with these given, everybody's indifference between them is
a system of polynomial equations, which Newton's method solves to the last digits.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from mpgg_agents.errors import MissingExtraError
from mpgg_env.core.types import BoolArray, FloatArray

EXTRA: Final = 'pip install "mpgg-env[equilibria]"'
ACCURACIES: Final = (1e-2, 1e-3, 1e-5, 1e-7)
LAST_ACCURACY: Final = 1e-10
SUPPORT_THRESHOLDS: Final = (1e-1, 1e-2, 1e-3, 1e-5)
RANDOM_STARTS: Final = 20
NEWTON_STEPS: Final = 30
SUPPORT_CHANGES: Final = 8
FINE: Final = 1e-11
GOOD_ENOUGH: Final = 5e-10

Strategies = list[FloatArray]


class NoEquilibriumFoundError(ArithmeticError):
    """No profile of strategies came near enough to an equilibrium."""


def check_available(what: str) -> None:
    """Raises MissingExtraError where quantecon is not installed."""
    try:
        import quantecon.game_theory  # noqa: F401 - whether it can be imported is the question
    except ModuleNotFoundError as error:
        raise MissingExtraError(what, error, EXTRA) from error


def equilibrium_of_many(payoffs: FloatArray) -> Strategies:
    """One equilibrium of a game of three or more players.

    Args:
        payoffs: Payoffs in [0, 1], (N, m_1, ..., m_N), every m at least 2.

    Returns:
        Each player's strategy; nobody gains more than 5e-10 by deviating, and as a rule less than 1e-11.

    Raises:
        MissingExtraError: quantecon is not installed.
        NoEquilibriumFoundError: None was found.
    """
    check_available("a stage game of three or more players without pure equilibria")
    best, smallest = None, np.inf
    for strategies in _candidates(payoffs):
        gain = largest_gain(payoffs, strategies)
        if gain < smallest:
            best, smallest = strategies, gain
        if smallest <= FINE:
            break
    if best is None or smallest > GOOD_ENOUGH:
        raise NoEquilibriumFoundError(f"the best profile found leaves a gain of {smallest:.1e} of the range of payoffs")
    return best


def largest_gain(payoffs: FloatArray, strategies: Strategies) -> float:
    """The largest gain of any player from a deviation."""
    gains = []
    for player, strategy in enumerate(strategies):
        expected = _expected(payoffs[player], strategies, (player,))
        gains.append(float(expected.max() - strategy @ expected))
    return max(gains)


def _candidates(payoffs: FloatArray) -> Iterator[Strategies]:
    """Profiles that may be equilibria: the polished ones from every start, then one by brute accuracy."""
    for start in _starts(payoffs):
        point: Any = start
        for accuracy in ACCURACIES:
            point = _approximate(payoffs, point, accuracy, 200)
            yield from _polished(payoffs, point)
    for start in _starts(payoffs):
        yield _approximate(payoffs, start, LAST_ACCURACY, 2000)


def _starts(payoffs: FloatArray) -> Iterator[Any]:
    counts = payoffs.shape[1:]
    yield [np.eye(count)[0] for count in counts]
    yield [np.full(count, 1 / count) for count in counts]
    generator = np.random.default_rng(0)  # of its own and the same in every call, so that all learners find the same
    for _ in range(RANDOM_STARTS):
        yield [generator.dirichlet(np.ones(count)) for count in counts]


def _approximate(payoffs: FloatArray, start: Any, accuracy: float, most: int) -> Strategies:
    from quantecon.game_theory import NormalFormGame, Player, mclennan_tourky

    # A player of quantecon has its own actions on the first axis and those of the next players after it.
    n_players = len(payoffs)
    orders = [[(player + k) % n_players for k in range(n_players)] for player in range(n_players)]
    players = [Player(np.ascontiguousarray(own.transpose(order))) for own, order in zip(payoffs, orders, strict=True)]
    found = mclennan_tourky(NormalFormGame(players), init=start, epsilon=accuracy, max_iter=most)
    return [_as_strategy(np.asarray(strategy)) for strategy in found]


def _as_strategy(weights: FloatArray) -> FloatArray:
    positive: FloatArray = np.maximum(weights, 0.0)
    return np.asarray(positive / positive.sum())


def _polished(payoffs: FloatArray, point: Strategies) -> Iterator[Strategies]:
    """Solutions on the supports that the point suggests."""
    tried = set()
    for threshold in SUPPORT_THRESHOLDS:
        supports = [strategy > min(threshold, strategy.max() / 2) for strategy in point]
        start = point
        for _ in range(SUPPORT_CHANGES):
            name = b"".join(support.tobytes() for support in supports)
            if name in tried:
                break
            tried.add(name)
            weights = _indifferent(payoffs, start, supports)
            if weights is None or any(strategy.max() <= 0 for strategy in weights):
                break
            start = [_as_strategy(strategy) for strategy in weights]
            yield start
            supports = _corrected(payoffs, weights, start, supports)


def _corrected(
    payoffs: FloatArray, weights: Strategies, start: Strategies, supports: list[BoolArray]
) -> list[BoolArray]:
    """The supports without actions of negative weight, and with the best responses where there are none of these."""
    if any((strategy < 0).any() for strategy in weights):
        return [support & (strategy > 0) for support, strategy in zip(supports, weights, strict=True)]
    added = []
    for player, support in enumerate(supports):
        expected = _expected(payoffs[player], start, (player,))
        added.append(support | (expected >= expected.max() - 1e-12))
    return added


def _indifferent(payoffs: FloatArray, point: Strategies, supports: list[BoolArray]) -> Strategies | None:
    """Weights on the supports, of any sign, with which each player's supported actions earn the same."""
    weights = [np.where(support, strategy, 0.0) for support, strategy in zip(supports, point, strict=True)]
    weights = [strategy / strategy.sum() if strategy.sum() > 0 else strategy for strategy in weights]
    worths = [float(own @ _expected(payoffs[i], weights, (i,))) for i, own in enumerate(weights)]
    for _ in range(NEWTON_STEPS):
        residual, slope = _system(payoffs, weights, worths, supports)
        step = np.linalg.lstsq(slope, -residual, rcond=1e-12)[0]
        if not np.isfinite(step).all() or np.abs(step).max() > 1e6:
            return None
        at = 0
        for player, support in enumerate(supports):
            size = int(support.sum())
            weights[player] = weights[player].copy()
            weights[player][support] += step[at : at + size]
            worths[player] += float(step[at + size])
            at += size + 1
        if np.abs(step).max() < 1e-15:
            break
    return weights


def _system(
    payoffs: FloatArray, weights: Strategies, worths: list[float], supports: list[BoolArray]
) -> tuple[FloatArray, FloatArray]:
    """What the equations miss, and their derivatives by the supported weights and the worth of each player in turn."""
    sizes = [int(support.sum()) for support in supports]
    starts = np.concatenate([[0], np.cumsum([size + 1 for size in sizes])])
    residual = np.zeros(starts[-1])
    slope = np.zeros((starts[-1], starts[-1]))
    for i, support in enumerate(supports):
        rows = slice(starts[i], starts[i] + sizes[i])
        residual[rows] = _expected(payoffs[i], weights, (i,))[support] - worths[i]
        slope[rows, starts[i] + sizes[i]] = -1.0
        for j, other in enumerate(supports):
            if j != i:
                pairs = _expected(payoffs[i], weights, (i, j))[np.ix_(support, other)]
                slope[rows, starts[j] : starts[j] + sizes[j]] = pairs
        last = starts[i] + sizes[i]
        residual[last] = weights[i].sum() - 1.0
        slope[last, rows] = 1.0
    return residual, slope


def _expected(own: FloatArray, weights: Strategies, free: tuple[int, ...]) -> FloatArray:
    """The player's payoff (m_1, ..., m_N) with all but the `free` players mixing: an array on the axes of these."""
    expected = own
    for player in reversed(range(len(weights))):
        if player not in free:
            expected = np.tensordot(expected, weights[player], axes=(player, 0))
    return expected if tuple(sorted(free)) == free else expected.T
