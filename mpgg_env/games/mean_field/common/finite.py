"""Finite games whose agents move by the rules `MeanFieldRules.agent_next`, and the choice of a game's finite side."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mpgg_env.core.types import FloatArray
from mpgg_env.core.validation import check_integer
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.config import Episodic
from mpgg_env.games.mean_field.common.draws import choice_thresholds
from mpgg_env.games.mean_field.common.population import (
    AGENTS_AT_ONCE,
    Crowd,
    FinitePopulation,
    FloatArrays,
)
from mpgg_env.games.mean_field.common.rollout import Policy
from mpgg_env.games.mean_field.common.state import MeanFieldState
from mpgg_env.games.mean_field.registry import game_of


def finite_game(config: Episodic, sizes: Sequence[int], *, agents_at_once: int = AGENTS_AT_ONCE) -> FinitePopulation:
    """The finite game of N_i agents in each coalition i: for the MPGG the game itself, by the agents' rules otherwise.

    Args:
        config: Parameters of the mean-field-type game.
        sizes: N_i, at least 1; in the MPGG as near to the coalitions' weights as whole numbers can be.
        agents_at_once: See `FinitePopulation`.
    """
    if game_of(config) == "mpgg":
        from mpgg_env.games.mean_field.mpgg.finite import FiniteMPGG

        return FiniteMPGG(config, sizes, agents_at_once=agents_at_once)  # type: ignore[arg-type]
    return FiniteGame(config, sizes, agents_at_once=agents_at_once)


def coalition_sizes(config: Any, size: int) -> tuple[int, ...]:
    """Sizes N_i of m coalitions of N agents on average.

    N each, or with weights w_i the whole numbers nearest to m N w_i, by largest remainders, with the sum m N.

    Args:
        config: Parameters of a mean-field-type game.
        size: Number N of agents per coalition, at least 1.

    Raises:
        ValueError: A coalition would have no agent.
    """
    from mpgg_env.core.simplex import projected

    coalitions = MeanFieldBatch(config).n_coalitions
    shares = getattr(config, "shares", (1 / coalitions,) * coalitions)
    total = check_integer("size", size, 1) * coalitions
    found = tuple(int(n) for n in projected(np.array(shares), total))
    if 0 in found:
        raise ValueError(f"size must give every coalition an agent, got {size} with weights {shares}")
    return found


class FiniteGame(FinitePopulation):
    """The finite game in which agents move by their own rule, which is written apart from the limit's kernels.

    The reward of a coalition is the game's formula at what the agents really did: the mean of its agents' rewards.
    """

    def __init__(self, config: Episodic, sizes: Sequence[int], *, agents_at_once: int = AGENTS_AT_ONCE) -> None:
        if game_of(config) == "mpgg":
            raise TypeError("config must not be that of the MPGG, whose finite side is FiniteMPGG: use finite_game")
        super().__init__(config, sizes, agents_at_once=agents_at_once)

    def step(self, crowd: Crowd, actions: FloatArrays) -> tuple[Crowd, FloatArrays]:
        """One step of all agents.

        Args:
            crowd: The agents.
            actions: pi_i(a | x) in each replica, (B, S_i, A_i), rows that sum to 1.

        Returns:
            The agents after the step, which share no memory with those before it, and the realised flows (B, S_i, A_i).
        """
        mu = self.empirical(crowd).distributions
        places, flows = [], []
        for i, (here, action) in enumerate(zip(crowd.places, actions, strict=True)):
            counts, following = np.zeros(action.shape, np.int64), np.empty_like(here)
            for block, chosen, uniform in self.drawn(crowd, i, choice_thresholds(action), counts):
                following[:, block] = self.rules.agent_next(i, here[:, block], chosen, uniform, mu)
            places.append(following)
            flows.append(counts / here.shape[1])
        return Crowd(crowd.step + 1, tuple(places), crowd.keys, crowd.context), tuple(flows)

    def episode(
        self, crowd: Crowd, policies: Sequence[Policy], length: int
    ) -> tuple[list[MeanFieldState], list[FloatArrays], FloatArray]:
        """Plays an episode; see `FinitePopulation.episode`."""
        states, flows = [self.empirical(crowd)], []
        for _ in range(length):
            crowd, flow = self.step(crowd, self.actions(states[-1], policies))
            states.append(self.empirical(crowd))
            flows.append(flow)
        return states, flows, self._rewards(states, flows)

    def _rewards(self, states: list[MeanFieldState], flows: list[FloatArrays]) -> FloatArray:
        """Rewards (B, T, m), one replica at a time: those of many together may differ in the last bit."""
        mu = [np.stack(parts, 1) for parts in zip(*(state.distributions for state in states[:-1]), strict=True)]
        done = [np.stack(parts, 1) for parts in zip(*flows, strict=True)]
        context = states[0].context
        return np.stack(
            [
                self.rules.rewards(
                    tuple(part[b] for part in mu),
                    tuple(part[b] for part in done),
                    None if context is None else np.repeat(context[b], len(flows)),
                )
                for b in range(len(mu[0]))
            ]
        )
