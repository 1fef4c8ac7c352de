"""Actors as policies of coalitions, and profiles of them from stored weights."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from mpgg_agents.mean_field.architecture import ArchitectureConfig
from mpgg_agents.mean_field.networks import Actor, Critic
from mpgg_agents.stored import Arrays, section
from mpgg_agents.tensors import set_weights, weights_of
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.config import Episodic
from mpgg_env.games.mean_field.common.state import Array, MeanFieldState
from mpgg_env.games.mean_field.registry import game_of

# Columns at the beginning of an action that are probabilities by themselves, in the games that have any: P(C).
FREE_COLUMNS = {"mpgg": 1}


def seen_by(batch: MeanFieldBatch, state: MeanFieldState, coalition: int, sight: str) -> Array:
    """What a player sees, (B, W): everything (joint), or its own coalition alone (own)."""
    return batch.observations(state) if sight == "joint" else batch.own_observations(state, coalition)


def sight_parts(batch: MeanFieldBatch, coalition: int, sight: str) -> list[int]:
    """Widths of the parts of what a player sees: of each distribution, then of the context if it sees one."""
    rules = batch.rules
    if sight == "joint":
        parts, context = [n_states for n_states, _ in batch.shapes], bool(rules.n_contexts)
    else:
        parts = [batch.shapes[coalition][0]]
        context = bool(rules.n_contexts) and rules.own_context[coalition]
    return [*parts, rules.n_contexts] if context else parts


def new_actor(
    batch: MeanFieldBatch, coalition: int, architecture: ArchitectureConfig, generator: np.random.Generator
) -> Actor:
    """An actor of a coalition with drawn weights, float32."""
    parts = sight_parts(batch, coalition, architecture.sight)
    free_columns = FREE_COLUMNS.get(game_of(batch.config), 0)
    return Actor(parts, batch.shapes[coalition], free_columns, architecture, generator)


def new_critic(
    batch: MeanFieldBatch, coalition: int, architecture: ArchitectureConfig, generator: np.random.Generator
) -> Critic:
    """A critic of a coalition with drawn weights, float32."""
    parts = sight_parts(batch, coalition, architecture.sight)
    return Critic(parts, batch.shapes[coalition], architecture, generator)


class NetPolicy:
    """The policy of one coalition that an actor stands for.

    Args:
        batch: The dynamics, in torch and of any type; the network computes in its own.
        coalition: Number of the coalition.
        actor: The network.
        sight: What it sees: joint or own.
    """

    def __init__(self, batch: MeanFieldBatch, coalition: int, actor: Actor, sight: str = "joint") -> None:
        self.batch, self.coalition, self.actor, self.sight = batch, coalition, actor, sight

    def __call__(self, state: MeanFieldState) -> Array:
        """The action (B, S, A), of the library and type of the state's arrays.

        With torch it can be differentiated by the weights and by the state.
        """
        if isinstance(state.distributions[0], np.ndarray):
            with torch.no_grad():
                return self(_as_tensors(state)).numpy()
        seen = seen_by(self.batch, state, self.coalition, self.sight)
        return self.actor(seen.to(self._dtype)).to(seen.dtype)

    @property
    def _dtype(self) -> torch.dtype:
        return self.actor.net.output.weight.dtype


def _as_tensors(state: MeanFieldState) -> MeanFieldState:
    distributions = tuple(torch.from_numpy(distribution) for distribution in state.distributions)
    context = None if state.context is None else torch.from_numpy(state.context)
    return MeanFieldState(state.step, distributions, context)


def profile_weights(actors: Sequence[Actor]) -> Arrays:
    """The weights of all coalitions' actors, `coalition_<i>.<layer>`, not copied."""
    return {f"coalition_{i}.{name}": w for i, actor in enumerate(actors) for name, w in weights_of(actor).items()}


def profile_of(
    config: Episodic,
    agent: ArchitectureConfig,
    arrays: Mapping[str, np.ndarray[Any, Any]],
    batch: MeanFieldBatch | None = None,
) -> tuple[NetPolicy, ...]:
    """The profile of stored weights.

    Args:
        config: Parameters of the game.
        agent: Hyper-parameters of the training, or the form of its networks alone.
        arrays: The weights by name, as in `profile_weights`.
        batch: The dynamics in which it is played; None for torch and float32.

    Raises:
        ValueError: They are not finite weights of such networks.
    """
    batch = MeanFieldBatch(config, torch, dtype=torch.float32) if batch is None else batch
    names = [f"coalition_{i}" for i in range(batch.n_coalitions)]
    strange = [name for name in arrays if name.partition(".")[0] not in names]
    if strange:
        raise ValueError(f"the weights must be those of {', '.join(names)}, got {strange[0]}")
    profile = []
    for i, name in enumerate(names):
        actor = new_actor(batch, i, agent, np.random.default_rng(0)).requires_grad_(False)
        set_weights(actor, section(arrays, name))
        profile.append(NetPolicy(batch, i, actor, agent.sight))
    return tuple(profile)
