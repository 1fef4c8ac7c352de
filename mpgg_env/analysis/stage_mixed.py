"""Symmetric mixed equilibria of the stage game: every member cooperates with the same probability q.

What C gains over D in expectation is a polynomial in q whose Bernstein coefficients are the gains at each number of
cooperators among the others. Its sign changes bound the number of roots, so that none is overlooked.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from mpgg_env.analysis.stage_game import StageGame
from mpgg_env.core.types import FloatArray
from mpgg_env.core.validation import check_integer

# Every halving takes time proportional to the square of the members: here seconds.
MOST_MEMBERS_MIXED: Final = 10_000
# An interval with a root is halved so often that it is 2**-48 wide.
MOST_HALVINGS: Final = 48


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SymmetricStageEquilibria:
    """The symmetric equilibria of a stage game, pure ones included.

    Attributes:
        probabilities: Probabilities q of C, ascending; 0 and 1 are the pure ones. Where C and D always pay the same,
            every q is an equilibrium, and only 0 and 1 are listed.
        exploitability: Largest gain of one member from another mixture at each of them, at least 0.
        indifferent: Whether every q is an equilibrium.
    """

    probabilities: FloatArray
    exploitability: FloatArray
    indifferent: bool


def symmetric_stage_equilibria(game: StageGame) -> SymmetricStageEquilibria:
    """All probabilities of C that are a symmetric equilibrium of the stage game.

    Raises:
        ValueError: The game has more than 10,000 members.
    """
    check_integer("members (for mixed equilibria)", game.members, 1, MOST_MEMBERS_MIXED)
    coefficients, tolerance = game.advantage, game.tolerance
    indifferent = bool((abs(coefficients) <= tolerance).all())
    inner = [] if indifferent else _roots(_without_roots_at_the_ends(coefficients, tolerance), tolerance)
    roots = _apart(coefficients, inner, tolerance)
    pure = [0.0] * bool(coefficients[0] <= tolerance) + [1.0] * bool(coefficients[-1] >= -tolerance)
    probabilities = np.array(sorted({*roots, *pure}))
    gains = np.array([expected_advantage(coefficients, q) for q in probabilities])
    exploitability = np.maximum((1 - probabilities) * gains, -probabilities * gains).clip(min=0)
    return SymmetricStageEquilibria(probabilities=probabilities, exploitability=exploitability, indifferent=indifferent)


def expected_advantage(advantage: FloatArray, probability: float) -> float:
    """What C gains over D in expectation when each of the others cooperates with this probability."""
    return float(_split(advantage, probability)[0][-1])


def _without_roots_at_the_ends(coefficients: FloatArray, tolerance: float) -> FloatArray:
    """The coefficients after division by the powers of q and 1 - q that vanish at the ends."""
    while abs(coefficients[0]) <= tolerance:
        degree = len(coefficients) - 1
        coefficients = coefficients[1:] * degree / np.arange(1, degree + 1)
    while abs(coefficients[-1]) <= tolerance:
        degree = len(coefficients) - 1
        coefficients = coefficients[:-1] * degree / np.arange(degree, 0, -1)
    return coefficients


def _roots(
    coefficients: FloatArray, tolerance: float, low: float = 0.0, width: float = 1.0, halvings: int = 0
) -> list[float]:
    """Roots in (low, low + width), the coefficients being those on that interval."""
    signs = np.sign(coefficients[abs(coefficients) > 0])
    changes = int((signs[1:] != signs[:-1]).sum())
    if changes == 0:
        return []
    # Near a multiple root every interval would be halved to the end for its rounding errors alone.
    flat = changes > 1 and (abs(coefficients) <= tolerance).all()
    if flat or halvings == MOST_HALVINGS:
        return [low + width / 2]
    left, right = _split(coefficients, 0.5)
    at_middle = [low + width / 2] if left[-1] == 0 else []
    below = _roots(left, tolerance, low, width / 2, halvings + 1)
    return below + at_middle + _roots(right, tolerance, low + width / 2, width / 2, halvings + 1)


def _apart(coefficients: FloatArray, roots: list[float], tolerance: float) -> list[float]:
    """The roots without those that nothing but rounding separates from the one before."""
    kept: list[float] = []
    for root in roots:
        if not kept or abs(expected_advantage(coefficients, (kept[-1] + root) / 2)) > tolerance:
            kept.append(root)
    return kept


def _split(coefficients: FloatArray, at: float) -> tuple[FloatArray, FloatArray]:
    """Coefficients on either side of a point, by de Casteljau's algorithm: weighted means alone, so it is stable."""
    degree = len(coefficients) - 1
    left, right = np.empty(degree + 1), np.empty(degree + 1)
    row = coefficients
    left[0], right[degree] = row[0], row[-1]
    for step in range(1, degree + 1):
        row = (1 - at) * row[:-1] + at * row[1:]
        left[step], right[degree - step] = row[0], row[-1]
    return left, right
