"""Profiles of policies in closed form, with which limits and finite games are compared before anything is learned."""

import numpy as np

from mpgg_env.core.types import FloatArray
from mpgg_env.core.validation import check_integer, check_real
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.config import Episodic
from mpgg_env.games.mean_field.common.rollout import Policy
from mpgg_env.games.mean_field.common.state import MeanFieldState


def random_profile(
    config: Episodic, seed: int = 0, *, feedback: float = 0.0, contrast: float = 2.0
) -> tuple[Policy, ...]:
    """Random policies that are smooth functions of the distributions, for arrays of numpy.

    The weight of action a in state x is 1 / (1 + exp(-z)) with z = contrast * A(x, a) + feedback * sum over o of
    B(x, a, o) o, o the observation of the joint state, A and B standard normal; rows are then divided by their sums as
    the game's actions are. In the MPGG the weight of cooperation is its probability.

    Args:
        config: Parameters of the game.
        seed: At least 0.
        feedback: How strongly the policies react to the distributions, at least 0; with 0 they are constant.
        contrast: How far the rows are from uniform, at least 0.
    """
    check_real("feedback", feedback, 0)
    check_real("contrast", contrast, 0)
    batch = MeanFieldBatch(config)
    width = batch.observations(batch.testing_state()).shape[1]
    generators = np.random.default_rng(check_integer("seed", seed, 0)).spawn(batch.n_coalitions)
    return tuple(
        _policy(batch, contrast * g.standard_normal(shape), feedback * g.standard_normal((width, *shape)))
        for g, shape in zip(generators, batch.shapes, strict=True)
    )


def _policy(batch: MeanFieldBatch, offsets: FloatArray, slopes: FloatArray) -> Policy:
    def policy(state: MeanFieldState) -> FloatArray:
        # Not a matrix product, whose last bits depend on the number of games.
        scores = offsets + np.einsum("bo,osa->bsa", batch.observations(state), slopes)
        return np.asarray(batch.rules.normalised(1 / (1 + np.exp(-scores))))

    return policy
