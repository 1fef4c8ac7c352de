"""Exact values and best responses in a discretised game, by value iteration ([Shao2024] algorithm 6 without learning).

Everything is exact for the discretised game alone: the exact game moves between the points of the grids.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from mpgg_env.analysis.mean_field.tabular_profile import TabularProfile
from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.core.validation import check_integer

ROUNDING: Final = 1e-14  # changes of this size, as a share of the largest value, are rounding


@dataclass(frozen=True, slots=True)
class Decisions:
    """What one player, or nobody, still has to choose when all others' strategies are fixed.

    Attributes:
        rewards: Expected reward of each action, (states, A); A is 1 if nobody chooses.
        following: The joint states that may follow, (states, A, K).
        weights: Their probabilities, (states, K): they depend on the others' draws alone. Zeros where fewer follow.
    """

    rewards: FloatArray
    following: IntArray
    weights: FloatArray

    def values_of_actions(self, later: FloatArray, discount: float) -> FloatArray:
        """Value of each action, (states, A), from the values of the next states, (states,)."""
        return np.asarray(self.rewards + discount * np.einsum("sak,sk->sa", later[self.following], self.weights))


@dataclass(frozen=True, slots=True)
class Response:
    """A best response of one coalition to all others' fixed strategies.

    Attributes:
        values: What it is worth from each joint state, (states,).
        actions: A best central action in each joint state, the first one of equals, (states,); with a horizon that of
            the first step.
    """

    values: FloatArray
    actions: IntArray


def profile_values(profile: TabularProfile, steps: int | None = None) -> FloatArray:
    """Expected discounted returns of all coalitions from every joint state, (m, states).

    Args:
        profile: What everybody does.
        steps: Steps that are played; None for endless play.
    """
    every = range(profile.game.n_coalitions)
    return np.stack([_values(_decisions(profile, i, chooses=False), profile, steps) for i in every])


def best_response(profile: TabularProfile, coalition: int, steps: int | None = None) -> Response:
    """The best that a coalition can do while all others keep to the profile.

    Args:
        profile: What everybody does.
        coalition: Number of the coalition that deviates.
        steps: Steps that are played; None for endless play.
    """
    check_integer("coalition", coalition, 0, profile.game.n_coalitions - 1)
    decisions = _decisions(profile, coalition, chooses=True)
    discount = profile.game.config.discount
    # With a horizon the first step's actions are those that are best for what the steps after it are worth.
    later = _values(decisions, profile, None if steps is None else check_integer("steps", steps, 1) - 1)
    actions = decisions.values_of_actions(later, discount)
    return Response(actions.max(1), actions.argmax(1))


def exploitability(profile: TabularProfile, steps: int | None = None) -> FloatArray:
    """What each coalition gains by a best response, from every joint state, (m, states), at least 0 up to rounding.

    Args:
        profile: What everybody does.
        steps: Steps that are played; None for endless play.
    """
    best = [best_response(profile, i, steps).values for i in range(profile.game.n_coalitions)]
    return np.asarray(np.stack(best) - profile_values(profile, steps))


def _values(decisions: Decisions, profile: TabularProfile, steps: int | None) -> FloatArray:
    discount, values = profile.game.config.discount, np.zeros(profile.game.n_states)
    if steps is not None:
        for _ in range(steps):
            values = decisions.values_of_actions(values, discount).max(1)
        return values
    change = np.inf
    while change > ROUNDING * max(1.0, float(abs(values).max())):
        before, values = values, decisions.values_of_actions(values, discount).max(1)
        change = float(abs(values - before).max())
    return values


def _decisions(profile: TabularProfile, coalition: int, *, chooses: bool) -> Decisions:
    """The decisions of a coalition, or its rewards alone if it keeps to the profile as well."""
    game = profile.game
    fixed = [i for i in range(game.n_coalitions) if i != coalition or not chooses]
    states, rank, drawn, probabilities = _support(profile, fixed)
    own = np.arange(game.n_actions[coalition]) if chooses else np.zeros(1, np.int64)
    profiles = [own if i not in fixed else drawn[fixed.index(i)][:, None] for i in range(game.n_coalitions)]
    where = (states[:, None], *profiles)
    shape = (game.n_states, len(own), int(rank.max()) + 1)
    # What is beyond a state's own support has weight 0, so that any following state does.
    following, weights = np.zeros(shape, np.int64), np.zeros((game.n_states, shape[2]))
    following[states, :, rank], weights[states, rank] = game.next_index[where], probabilities
    rewards = np.zeros(shape[:2])
    np.add.at(rewards, states, probabilities[:, None] * game.rewards[coalition][where])
    return Decisions(rewards, following, weights)


def _support(
    profile: TabularProfile, players: list[int]
) -> tuple[IntArray, IntArray, tuple[IntArray, ...], FloatArray]:
    """The joint actions of some players that are drawn with positive probability, as one long list.

    Returns:
        State (L,), place among those of its state (L,), each player's action (L,), and probability (L,).
    """
    joint = np.ones((profile.game.n_states, 1))
    for player in players:
        joint = (joint[:, :, None] * profile.strategies[player][:, None, :]).reshape(len(joint), -1)
    states, drawn = np.nonzero(joint)
    first = np.searchsorted(states, np.arange(profile.game.n_states))
    actions = np.unravel_index(drawn, [profile.game.n_actions[player] for player in players]) if players else ()
    return states, np.arange(len(states)) - first[states], tuple(map(np.asarray, actions)), joint[states, drawn]
