"""Best responses by DDPG, which knows nothing of the rules ([Shao2024] algorithms 3 and 5)."""

import copy
import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor

from mpgg_agents.draws import generator
from mpgg_agents.errors import TrainingError
from mpgg_agents.mean_field.architecture import ARCHITECTURES
from mpgg_agents.mean_field.ddpg.config import DDPGConfig
from mpgg_agents.mean_field.ddpg.noise import noise_paths, noisy_action
from mpgg_agents.mean_field.ddpg.player import Player, Transition
from mpgg_agents.mean_field.evaluation.forms import RESPONSE
from mpgg_agents.mean_field.evaluation.returns import in_type_of
from mpgg_agents.mean_field.networks import Actor
from mpgg_agents.mean_field.policy import NetPolicy
from mpgg_env.core.types import IntArray
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.config import Episodic
from mpgg_env.games.mean_field.common.rollout import Policy, rollout
from mpgg_env.games.mean_field.common.rules import Start
from mpgg_env.games.mean_field.common.state import MeanFieldState
from mpgg_env.games.mean_field.registry import game_of

JUDGED_EVERY: Final = 5  # rounds
# Where the numbers of a round's draws begin, behind those of first weights.
ROUNDS: Final = 2**32


def default_ddpg(config: Episodic) -> DDPGConfig:
    """Hyper-parameters of a response: 300 rounds of one episode from each start, with one update per step."""
    starts = _number_of_starts(config)
    return DDPGConfig(
        **ARCHITECTURES[game_of(config)],
        episodes=300 * starts,
        parallel_episodes=starts,
        update_ratio=1 / starts,
        actor_learning_rate=5e-4,
        critic_learning_rate=1e-3,
        tau=0.01,
        batch_size=64,
    )


def ddpg_response(
    config: Episodic,
    profile: Sequence[Policy],
    coalition: int,
    agent: DDPGConfig | None = None,
    *,
    separate: bool = False,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Policy:
    """The best actor that DDPG finds on the testing set against what the others do.

    Args:
        config: Parameters of the game.
        profile: One policy per coalition, of states of torch's tensors.
        coalition: Who deviates.
        agent: Hyper-parameters; its episodes begin at the testing set's starts in turn. Default: `default_ddpg`.
        separate: Whether each start has a training of its own. The policy then knows the starts by their order.
        seed: Seed of all random numbers, in [0, 2**64).
        progress: Called after each round with the number of rounds done.

    Raises:
        ValueError: The player would not see the joint state.
        TrainingError: A return is not finite.
    """
    agent = default_ddpg(config) if agent is None else agent
    if agent.sight != "joint":
        raise ValueError(f"sight must be 'joint' for a best response, got {agent.sight!r}")
    every = np.arange(_number_of_starts(config))
    groups = [np.array([test]) for test in every] if separate else [every]
    found: list[Policy] = []
    for tests in groups:
        learner = ResponseLearner(config, profile, coalition, agent, seed, tests)
        found.append(learner.train(progress))
    return _one_each(found) if separate else found[0]


def _number_of_starts(config: Episodic) -> int:
    return len(MeanFieldBatch(config).testing_state().distributions[0])


def _one_each(policies: Sequence[Policy]) -> Policy:
    """In the k-th game the k-th policy."""

    def action(state: MeanFieldState) -> Tensor:
        return torch.stack([policy(state)[k] for k, policy in enumerate(policies)])

    return action


class ResponseLearner:
    """DDPG of one coalition on starts of the testing set, against what the others do.

    Args:
        config: Parameters of the game.
        profile: One policy per coalition.
        coalition: Who deviates.
        agent: Hyper-parameters.
        seed: Seed of all random numbers.
        tests: The starts.
    """

    def __init__(
        self,
        config: Episodic,
        profile: Sequence[Policy],
        coalition: int,
        agent: DDPGConfig,
        seed: int,
        tests: IntArray,
    ) -> None:
        self.batch = MeanFieldBatch(config, torch, dtype=torch.float32)
        self.profile = [in_type_of(self.batch, policy) for policy in profile]
        self.coalition, self.agent, self.seed = coalition, agent, seed
        self.player = Player(self.batch, coalition, agent, generator(seed, RESPONSE))
        self.tests = tests
        self.starts = self._start(tests[np.arange(agent.parallel_episodes) % len(tests)])
        self.best, self.highest = self._copied_actor(), -math.inf

    def _start(self, tests: IntArray) -> MeanFieldState:
        distributions, context = self.batch.rules.testing_set()
        chosen = tuple(mu[tests] for mu in distributions)
        return self.batch.state_of(Start(chosen, None if context is None else context[tests]))

    def _copied_actor(self) -> Actor:
        return copy.deepcopy(self.player.actor.network).requires_grad_(False)

    def train(self, progress: Callable[[int], None] | None = None) -> NetPolicy:
        """The best actor of all that are judged during the training.

        Args:
            progress: Called after each round with the number of rounds done.

        Raises:
            TrainingError: A return is not finite.
        """
        for round_ in range(self.agent.total_rounds):
            self._play(round_)
            if (round_ + 1) % JUDGED_EVERY == 0 or round_ + 1 == self.agent.total_rounds:
                self._judge(round_ + 1)
            if progress is not None:
                progress(round_ + 1)
        return NetPolicy(self.batch, self.coalition, self.best)

    def _play(self, round_: int) -> None:
        """The episodes of a round with noise, and the updates after each of their steps."""
        draws, i, size = generator(self.seed, RESPONSE, ROUNDS + round_), self.coalition, self.agent.parallel_episodes
        shape = (self.batch.config.max_cycles, size, *self.batch.shapes[i])
        noise = noise_paths(draws, shape, self.agent.exploration(round_), self.agent.noise_reversion)
        state = self.starts
        for step in range(self.batch.config.max_cycles):
            with torch.no_grad():
                seen, actor = self.batch.observations(state), self.player.actor.network
                actions = [policy(state) for policy in self.profile]
                actions[i] = noisy_action(self.batch, actor, seen, noise[step], self.agent.noise_on)
                state, rewards = self.batch.step(state, tuple(actions))
                following = self.batch.observations(state)
                self.player.replay.add(Transition(seen, actions[i].flatten(1), rewards[:, i], following))
            if self.player.replay.size >= self.agent.waits_for:
                for _ in range(self.agent.updates_due(round_ * self.batch.config.max_cycles + step)):
                    seen_before = self.player.replay.draw(self.agent.batch_size, draws)
                    self.player.update(seen_before, self.agent.rate_factor(round_))

    @torch.no_grad()
    def _judge(self, rounds_done: int) -> None:
        profile, actor = list(self.profile), self.player.actor.network
        profile[self.coalition] = NetPolicy(self.batch, self.coalition, actor)
        mean = float(rollout(self.batch, self._start(self.tests), profile).returns[:, self.coalition].mean())
        if not math.isfinite(mean):
            raise TrainingError(f"the returns of the response are not finite after {rounds_done} rounds")
        if mean > self.highest:
            self.best, self.highest = self._copied_actor(), mean
