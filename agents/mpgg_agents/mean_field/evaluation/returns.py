"""What profiles earn on the testing set ([Shao2024] algorithm 4), judged in float64."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mpgg_env.core.types import FloatArray
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.config import Episodic
from mpgg_env.games.mean_field.common.rollout import Policy, Rollout, rollout, with_valid_rows
from mpgg_env.games.mean_field.common.state import MeanFieldState


@dataclass(frozen=True, slots=True)
class EvaluatedReturns:
    """Discounted returns of the m coalitions from the K starts of the testing set.

    Attributes:
        each: (m, K).
    """

    each: FloatArray

    @property
    def mean(self) -> FloatArray:
        """Mean over the starts, (m,)."""
        return np.asarray(self.each.mean(1))

    @property
    def std(self) -> FloatArray:
        """Standard deviation over the starts, with the divisor K, (m,). The starts differ: it is no error."""
        return np.asarray(self.each.std(1))


def evaluated_returns(config: Episodic, profile: Sequence[Policy]) -> EvaluatedReturns:
    """What every coalition earns from each start of the testing set ([Shao2024] algorithm 4).

    Args:
        config: Parameters of the game.
        profile: One policy per coalition, of states of torch's tensors; see `through_numpy`.

    Raises:
        ValueError: There are too many or too few policies.
    """
    return EvaluatedReturns(judged(MeanFieldBatch(config, torch), profile).returns.numpy().T)


@torch.no_grad()
def judged(batch: MeanFieldBatch, profile: Sequence[Policy]) -> Rollout:
    """The episodes of a profile from the testing set, one of each start.

    Args:
        batch: The dynamics, in torch and float64.
        profile: One policy per coalition.

    Raises:
        ValueError: There are too many or too few policies.
    """
    if len(profile) != batch.n_coalitions:
        raise ValueError(f"profile must be {batch.n_coalitions} policies, one per coalition, got {len(profile)}")
    return rollout(batch, batch.testing_state(), [with_valid_rows(batch, policy) for policy in profile])


def in_type_of(batch: MeanFieldBatch, policy: Policy) -> Policy:
    """The policy with actions of the type of a batch, whatever it computes in."""

    def action(state: MeanFieldState) -> Tensor:
        found: Tensor = batch.asarray(policy(state))
        return found

    return action


def through_numpy(policy: Policy) -> Policy:
    """A policy of states of numpy's arrays, such as a table's, as one of torch's tensors; no gradient goes through."""

    def action(state: MeanFieldState) -> Tensor:
        mu = tuple(distribution.detach().numpy() for distribution in state.distributions)
        context = None if state.context is None else state.context.numpy()
        found = torch.as_tensor(np.asarray(policy(MeanFieldState(state.step, mu, context))))
        return found.to(state.distributions[0].dtype)

    return action
