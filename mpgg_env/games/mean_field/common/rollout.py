"""Episodes of B games under given policies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mpgg_env.core.validation import check_integer
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.state import Array, Arrays, MeanFieldState

# From a state of B games to the action of one coalition, (B, S_i, A_i), rows that sum to 1.
Policy = Callable[[MeanFieldState], Array]


def with_valid_rows(batch: MeanFieldBatch, policy: Policy) -> Policy:
    """The policy with actions of the batch's type and rows that sum to 1 in it.

    Those of a float32 network do not in float64: a response could seem to beat a bound by what is lost or gained so.
    """

    def action(state: MeanFieldState) -> Array:
        return batch.rules.normalised(batch.asarray(policy(state)))

    return action


@dataclass(frozen=True, slots=True)
class Rollout:
    """T steps of B games.

    Attributes:
        states: The states at times 0 to T.
        actions: For each time 0 to T - 1 the actions of the coalitions, (B, S_i, A_i).
        rewards: (B, T, m).
        returns: Discounted sums of the rewards, (B, m).
    """

    states: tuple[MeanFieldState, ...]
    actions: tuple[Arrays, ...]
    rewards: Array
    returns: Array


def rollout(
    batch: MeanFieldBatch, state: MeanFieldState, policies: Sequence[Policy], steps: int | None = None
) -> Rollout:
    """Plays an episode of every game ([Shao2024] algorithm 4).

    Args:
        batch: The dynamics.
        state: The start.
        policies: One policy per coalition.
        steps: Length of the episodes; None for the game's.
    """
    length = batch.config.max_cycles if steps is None else check_integer("steps", steps, 1)
    states, actions, rewards = [state], [], []
    for _ in range(length):
        chosen = tuple(policy(states[-1]) for policy in policies)
        following, reward = batch.step(states[-1], chosen)
        states.append(following)
        actions.append(chosen)
        rewards.append(reward)
    paid = batch.xp.stack(rewards, 1)
    weights = batch.asarray([batch.config.discount**t for t in range(length)])
    return Rollout(tuple(states), tuple(actions), paid, (paid * weights[:, None]).sum(1))
