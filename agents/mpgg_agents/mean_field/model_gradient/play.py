"""Episodes of which every player's return can be differentiated by what that player alone decides."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mpgg_agents.mean_field.policy import FREE_COLUMNS
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.motion import flow_of
from mpgg_env.games.mean_field.common.rollout import Policy
from mpgg_env.games.mean_field.common.state import MeanFieldState
from mpgg_env.games.mean_field.registry import game_of


class Play(NamedTuple):
    """What came out of B episodes.

    Attributes:
        returns: Discounted sums of the rewards, (B, m).
        entropy: Discounted sums of the entropy of what each coalition's agents do, in nats, (B, m), or 0 if it was not
            asked for.
    """

    returns: Tensor
    entropy: Tensor


def play(
    batch: MeanFieldBatch, state: MeanFieldState, policies: Sequence[Policy], *, replay: bool, entropy: bool = False
) -> Play:
    """Plays an episode of every game.

    Args:
        batch: The dynamics, in torch.
        state: The start.
        policies: One policy per coalition.
        replay: Whether the return of each coalition depends, as far as gradients can tell, on its own distribution
            alone, all others' being constants. Then the gradient of the sum of all returns by one coalition's weights
            is that of its own return, and one backward pass serves all. Returns are the same either way. Only where
            `moves_are_own`.
        entropy: Whether to measure the entropy, which takes time.
    """
    returns, surprise, weight = torch.zeros(()), torch.zeros(()), 1.0
    for _ in range(batch.config.max_cycles):
        states = [_seen_alone(state, i) for i in range(batch.n_coalitions)] if replay else [state] * batch.n_coalitions
        actions = [policy(seen) for policy, seen in zip(policies, states, strict=True)]
        if entropy:
            surprise = surprise + weight * action_entropy(batch, states, actions)
        state, rewards = _step_alone(batch, states, actions) if replay else batch.step(state, tuple(actions))
        returns, weight = returns + weight * rewards, weight * batch.config.discount
    return Play(returns, surprise)


def action_entropy(batch: MeanFieldBatch, states: Sequence[MeanFieldState], actions: Sequence[Tensor]) -> Tensor:
    """Entropy of what the agents of each coalition do, mean over its agents, in nats, (B, m).

    Args:
        batch: The dynamics.
        states: The state as each coalition sees it.
        actions: Their actions.
    """
    free = FREE_COLUMNS.get(game_of(batch.config), 0)
    return torch.stack(
        [(seen.distributions[i] * _entropies(actions[i], free)).sum(1) for i, seen in enumerate(states)], 1
    )


def _entropies(action: Tensor, free: int) -> Tensor:
    """Entropy of the rows (B, S, A) of an action, (B, S); columns that are probabilities by themselves add theirs."""
    entropies = -torch.xlogy(action, action).sum(-1)
    if free:
        others = 1 - action[..., :free]
        entropies = entropies - torch.xlogy(others, others).sum(-1)
    return entropies


def _seen_alone(state: MeanFieldState, coalition: int) -> MeanFieldState:
    """The state with all distributions but one coalition's as constants."""
    mu = tuple(mu if j == coalition else mu.detach() for j, mu in enumerate(state.distributions))
    return MeanFieldState(state.step, mu, state.context)


def _step_alone(
    batch: MeanFieldBatch, states: Sequence[MeanFieldState], actions: Sequence[Tensor]
) -> tuple[MeanFieldState, Tensor]:
    """`MeanFieldBatch.step`, of each coalition in the state in which the others are constants."""
    rules = batch.rules
    flows = [flow_of(seen.distributions[i], actions[i]) for i, seen in enumerate(states)]
    constant = [flow.detach() for flow in flows]
    mixed = [(*constant[:i], flow, *constant[i + 1 :]) for i, flow in enumerate(flows)]
    rewards = [rules.rewards(seen.distributions, mixed[i], seen.context)[:, i] for i, seen in enumerate(states)]
    following = rules.following(tuple(seen.distributions[i] for i, seen in enumerate(states)), tuple(flows))
    return MeanFieldState(states[0].step + 1, following, states[0].context), torch.stack(rewards, 1)


def moves_are_own(batch: MeanFieldBatch) -> bool:
    """Whether where a coalition goes depends on its own actions alone, so that others can be held where they went."""
    return all(kernel.ndim == 2 for kernel in batch.rules.kernels(batch.testing_state().distributions))
