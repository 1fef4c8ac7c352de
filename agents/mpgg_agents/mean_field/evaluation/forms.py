"""Forms of a trained best response: a network for all starts, one for each, or actions for every step and start."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import torch
from torch import Tensor
from torch.func import functional_call, vmap

from mpgg_agents.draws import generator
from mpgg_agents.mean_field.architecture import ARCHITECTURES, ArchitectureConfig
from mpgg_agents.mean_field.networks import Actor
from mpgg_agents.mean_field.policy import FREE_COLUMNS, new_actor
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.rollout import Rollout
from mpgg_env.games.mean_field.common.state import MeanFieldState
from mpgg_env.games.mean_field.registry import game_of

RESPONSE: Final = 51  # what the draws of first weights are for; no other purpose has this number
# Where a policy never does something the logit would be infinite, and its gradient 0 for ever.
UNIFORM_SHARE: Final = 0.02

Weights = Mapping[str, Tensor]


class Form(Protocol):
    """A family of policies by weights whose first axis counts responses: one for each start, or one for all."""

    weights: dict[str, Tensor]

    def action(self, weights: Weights, state: MeanFieldState) -> Tensor:
        """The action (K, S, A) of these weights in the K games that began at the starts."""


class NetForm:
    """Actors that see the joint state.

    Args:
        batch: The dynamics in which they are trained.
        coalition: Whose response it is.
        seed: Seed of the first weights, in [0, 2**64).
        responses: Number of actors: 1, or as many as there are starts.
    """

    def __init__(self, batch: MeanFieldBatch, coalition: int, seed: int, responses: int) -> None:
        architecture = ArchitectureConfig(**ARCHITECTURES[game_of(batch.config)])
        actors = [
            new_actor(batch, coalition, architecture, generator(seed, RESPONSE, number)) for number in range(responses)
        ]
        self.batch, self.actor, self.weights = batch, actors[0], _stacked(actors)

    def action(self, weights: Weights, state: MeanFieldState) -> Tensor:
        """The action (K, S, A) of these weights in the K games that began at the starts."""
        seen = self.batch.observations(state)
        dtype = seen.dtype
        seen = seen.to(torch.float32)
        if len(next(iter(weights.values()))) == 1:
            return self._one({name: weight[0] for name, weight in weights.items()}, seen).to(dtype)
        found: Tensor = vmap(self._one)(dict(weights), seen[:, None])
        return found[:, 0].to(dtype)

    def _one(self, weights: dict[str, Tensor], seen: Tensor) -> Tensor:
        found: Tensor = functional_call(self.actor, weights, (seen,))
        return found


class OpenLoopForm:
    """Logits of every action in every step and state, for each start by itself; they begin at what was played.

    Args:
        batch: The dynamics in which they are trained.
        coalition: Whose response it is.
        played: Episodes of the profile from the starts.
    """

    def __init__(self, batch: MeanFieldBatch, coalition: int, played: Rollout) -> None:
        self.free = FREE_COLUMNS.get(game_of(batch.config), 0)
        actions = torch.stack([actions[coalition] for actions in played.actions], 1).to(batch.dtype)
        free, rows = actions[..., : self.free], actions[..., self.free :]
        share = UNIFORM_SHARE
        inside = (1 - share) * rows + share / rows.shape[-1]
        self.weights = {"logits": torch.cat([torch.logit((1 - share) * free + share / 2), torch.log(inside)], -1)}

    def action(self, weights: Weights, state: MeanFieldState) -> Tensor:
        """The action (K, S, A) of these weights in the K games that began at the starts."""
        logits = weights["logits"][:, state.step].to(state.distributions[0].dtype)
        rows = torch.softmax(logits[..., self.free :], -1)
        return torch.cat([torch.sigmoid(logits[..., : self.free]), rows], -1) if self.free else rows


def _stacked(actors: Sequence[Actor]) -> dict[str, Any]:
    """The weights of actors of one form by name, each (actors, ...)."""
    named = [dict(actor.named_parameters()) for actor in actors]
    return {name: torch.stack([own[name].detach() for own in named]) for name in named[0]}
