"""Policies that replay actions, whatever the state: what the exact references are made of."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from mpgg_env.core.types import FloatArray
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.config import Episodic
from mpgg_env.games.mean_field.common.rollout import Rollout, rollout
from mpgg_env.games.mean_field.common.state import Array, MeanFieldState


@dataclass(frozen=True, slots=True, eq=False)
class OpenLoop:
    """A policy of one coalition that looks at nothing but the step, for B games.

    Attributes:
        actions: pi_t(a | x), (T, B, S, A): rows sum to 1.
    """

    actions: FloatArray

    def __call__(self, state: MeanFieldState) -> Array:
        """The actions of this step, (B, S, A), as an array of the state's library.

        Raises:
            ValueError: There are none for this step, or for another number of games.
        """
        distribution = state.distributions[0]
        if not 0 <= state.step < len(self.actions) or len(distribution) != self.actions.shape[1]:
            steps, games = self.actions.shape[:2]
            raise ValueError(
                f"state must be of {games} games in one of the steps 0 to {steps - 1}, "
                f"got {len(distribution)} games in step {state.step}"
            )
        chosen = self.actions[state.step]
        return chosen if isinstance(distribution, np.ndarray) else distribution.new_tensor(chosen)


def recorded(played: Rollout, coalition: int) -> OpenLoop:
    """What a coalition did, as a policy that does it again."""
    return OpenLoop(np.stack([as_numpy(actions[coalition]) for actions in played.actions]))


def numpy_state(state: MeanFieldState) -> MeanFieldState:
    """The same state as arrays of numpy."""
    context = state.context
    if context is not None and hasattr(context, "detach"):
        context = context.detach().cpu()
    return MeanFieldState(
        state.step,
        tuple(as_numpy(mu) for mu in state.distributions),
        None if context is None else np.asarray(context, np.int64),
    )


def as_numpy(values: Any) -> FloatArray:
    """An array of numpy or a tensor as an array of numpy in double precision."""
    return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values, np.float64)


def replayed(config: Episodic, played: Rollout) -> Rollout:
    """The same episode by actions alone, in numpy and double precision.

    Distributions and rows of actions are divided by their sums, which single precision leaves at 1 within 1e-6: what is
    computed from them would not fit together otherwise.

    Raises:
        ValueError: The episode is not a whole one from step 0.
    """
    check_length(config, played)
    batch, start = MeanFieldBatch(config), numpy_state(played.states[0])
    policies = [
        OpenLoop(np.stack([batch.rules.normalised(as_numpy(actions[i])) for actions in played.actions]))
        for i in range(batch.n_coalitions)
    ]
    return rollout(batch, batch.initial_state(start.distributions, start.context), policies)


def check_length(config: Episodic, played: Rollout) -> None:
    """Raises ValueError when a rollout is not one whole episode of the game from step 0."""
    if len(played.actions) != config.max_cycles or played.states[0].step:
        raise ValueError(
            f"played must be an episode of the {config.max_cycles} steps from 0 to max_cycles, "
            f"got {len(played.actions)} steps from {played.states[0].step} on"
        )
