"""Best responses by dynamic programming on the joint state: policy iteration, or backward induction."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from mpgg_env.analysis.joint_game import DeviatorGame
from mpgg_env.analysis.policies import joint_index
from mpgg_env.core.rounding import ROUNDING
from mpgg_env.core.types import FloatArray, IntArray

Choices = tuple[IntArray, IntArray]

_EPSILON: Final = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class ExactResponse:
    """A deterministic best response that sees the joint state; a `policies.Deviation`.

    Attributes:
        games: Game action, (rounds, X, L); one round stands for all when the game has no end.
        moves: Move, (rounds, X, A).
        n_casinos: Number of casinos M, for the joint index.
    """

    games: IntArray
    moves: IntArray
    n_casinos: int

    def cooperation(self, step: int, positions: IntArray, last_actions: IntArray, own: FloatArray) -> FloatArray:
        """1 where the agent cooperates, 0 elsewhere, (S,)."""
        actions = self.games[step if len(self.games) > 1 else 0]
        memory = joint_index(last_actions, 2) if actions.shape[1] > 1 else 0
        return np.asarray(actions[joint_index(positions, self.n_casinos), memory], np.float64)

    def migration(self, step: int, positions: IntArray, actions: IntArray, own: FloatArray) -> FloatArray:
        """1 for the agent's move, (S, n_moves)."""
        moves = self.moves[step if len(self.moves) > 1 else 0]
        chosen = moves[joint_index(positions, self.n_casinos), joint_index(actions, 2)]
        return np.asarray(np.eye(own.shape[-1])[chosen])


@dataclass(frozen=True, slots=True)
class Solution:
    """What one agent gets in every state before a game.

    Attributes:
        own_values: With its own policy, (X, L).
        best_values: With the best response, (X, L).
        error: How far either may be from the truth, rounding aside.
        response: The best response.
    """

    own_values: FloatArray
    best_values: FloatArray
    error: float
    response: ExactResponse


def solve(game: DeviatorGame, rounds: int | None) -> Solution:
    """Own value and best response of the deviator.

    Args:
        game: Its decision process; its discount is below 1 when there is no last round.
        rounds: Rounds of the game; None for no end.
    """
    return _solve_forever(game) if rounds is None else _solve_backwards(game, rounds)


def _solve_backwards(game: DeviatorGame, rounds: int) -> Solution:
    """Backward induction. The last move earns nothing more."""
    own = best = np.zeros(game.game.shape)
    choices: list[Choices] = []
    for _ in range(rounds):
        own = game.own_value(game.game_values(game.own_later(game.move_values(own))))
        best, chosen = _improved(game, best)
        choices.append(chosen)
    games, moves = zip(*reversed(choices), strict=True)
    return Solution(own, best, 0.0, ExactResponse(np.stack(games), np.stack(moves), game.game.config.n_casinos))


def _solve_forever(game: DeviatorGame) -> Solution:
    """Policy iteration from the agent's own policy on.

    It ends when no single choice gains more than `ROUNDING` of the largest payoff, or of what rounding leaves.
    """
    largest = float(np.abs(game.game.payoffs[..., game.agent]).max())

    def own_step(values: FloatArray) -> FloatArray:
        return game.own_value(game.game_values(game.own_later(game.move_values(values))))

    own = best = _fixed_point(own_step, np.zeros(game.game.shape), largest, game.gamma)
    while True:
        improved, choices = _improved(game, best)
        gain = float((improved - best).max())
        if gain <= _threshold(best, largest):
            break
        best = _fixed_point(_step_of(game, choices), improved, largest, game.gamma)
    games, moves = choices
    response = ExactResponse(games[None], moves[None], game.game.config.n_casinos)
    error = max(gain, _threshold(best, largest)) / (1 - game.gamma)
    return Solution(own, best, error, response)


def _improved(game: DeviatorGame, values: FloatArray) -> tuple[FloatArray, Choices]:
    """The best that one round followed by `values` (X, L) can give, (X, L), and the choices that give it."""
    move_values = game.move_values(values)
    moves = move_values.argmax(axis=-1)
    game_values = game.game_values(move_values.max(axis=-1))
    games = game_values.argmax(axis=-1)
    return game_values.max(axis=-1), (games, moves)


def _step_of(game: DeviatorGame, choices: Choices) -> Callable[[FloatArray], FloatArray]:
    games, moves = choices[0][..., None], choices[1][..., None]

    def step(values: FloatArray) -> FloatArray:
        later = np.take_along_axis(game.move_values(values), moves, axis=-1)[..., 0]
        return np.take_along_axis(game.game_values(later), games, axis=-1)[..., 0]

    return step


def _fixed_point(
    step: Callable[[FloatArray], FloatArray], start: FloatArray, largest: float, gamma: float
) -> FloatArray:
    """The values v with v = step(v), where `step` is affine and contracts by `gamma`.

    The linear system is solved by GMRES on what is left, again and again; where it stalls, a round of `step` does.
    """
    from scipy.sparse.linalg import LinearOperator, gmres

    shape = start.shape
    constant = step(np.zeros(shape))

    def remainder(values: FloatArray) -> FloatArray:
        return (values.reshape(shape) - step(values.reshape(shape)) + constant).ravel()

    operator = LinearOperator((start.size, start.size), matvec=remainder, dtype=np.float64)
    values, following = start, step(start)
    while (change := float(np.abs(following - values).max())) > 0.1 * _threshold(values, largest):
        correction, _ = gmres(operator, (following - values).ravel(), atol=0.0, maxiter=10)
        corrected = values + np.asarray(correction).reshape(shape)
        after = step(corrected)
        if float(np.abs(after - corrected).max()) > gamma * change:
            corrected, after = following, step(following)
        values, following = corrected, after
    return following


def _threshold(values: FloatArray, largest: float) -> float:
    return max(ROUNDING * largest, 80 * _EPSILON * float(np.abs(values).max()))
