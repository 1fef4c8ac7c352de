"""Ornstein-Uhlenbeck noise on actions, as in [Lillicrap2016] section 7."""

import numpy as np
import torch
from torch import Tensor

from mpgg_agents.mean_field.networks import Actor
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch


def noise_paths(draws: np.random.Generator, shape: tuple[int, ...], sigma: float, reversion: float) -> Tensor:
    """The noise of an episode: xi <- xi - theta xi + sigma N(0, 1), from 0, independently for every entry.

    Args:
        draws: Source of randomness.
        shape: Steps, and the shape of a step's noise.
        sigma: Standard deviation of the draws.
        reversion: Share theta by which the noise returns to 0 in a step.

    Returns:
        Float32 of that shape, after 1, 2, ... steps from 0.
    """
    path = torch.from_numpy(draws.standard_normal(shape, np.float32)).mul_(sigma)
    for step in range(1, len(path)):
        path[step].add_(path[step - 1], alpha=1 - reversion)
    return path


def noisy_action(batch: MeanFieldBatch, actor: Actor, sight: Tensor, noise: Tensor, noise_on: str) -> Tensor:
    """An actor's action with noise on its entries, which are then clipped and normalised, or on its logits."""
    if noise_on == "logits":
        return actor.action_of(actor.logits(sight) + noise)
    action: Tensor = batch.rules.normalised(actor(sight) + noise)
    return action
