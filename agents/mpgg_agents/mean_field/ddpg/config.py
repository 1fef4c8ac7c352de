"""Hyper-parameters of DDPG-MFTG."""

import math
from dataclasses import dataclass
from typing import Any, Literal

from mpgg_agents.mean_field.architecture import ArchitectureConfig
from mpgg_env.core.validation import check_choice, check_integer, check_real

NOISE_ON = ("probs", "logits")


@dataclass(frozen=True, slots=True, kw_only=True)
class DDPGConfig(ArchitectureConfig):
    """DDPG-MFTG ([Shao2024] algorithm 2): a deterministic actor and a critic of its own action for every coalition.

    With parallel_episodes = 1 and update_ratio = 1 it is the algorithm of the text: after each step of the game one
    update of every player. With other values it is not: either updates are fewer or more than the experience, or a
    batch of episodes is played by the same actors before they change. Float32.

    Attributes:
        episodes: Training episodes, a multiple of parallel_episodes.
        parallel_episodes: Episodes B that are played side by side; they are one round of the training.
        update_ratio: Updates of each player per transition that it sees, > 0; B transitions are seen in a step.
        actor_learning_rate: Step size of Adam for actors, > 0.
        critic_learning_rate: Step size of Adam for critics, > 0.
        halve_rates_at: Episodes, increasing, after each of which both step sizes are halved; 0 for never.
        sigma: Standard deviation >= 0 of the draws of the Ornstein-Uhlenbeck noise of every entry of an action.
        noise_reversion: Its share theta in [0, 1] by which the noise returns to 0 in a step.
        halve_noise_at: Episodes, increasing, after each of which sigma is halved; 0 for never.
        noise_on: Where the noise is added: probs, to the action, the rows of which are then clipped and normalised;
            logits, to the logits.
        tau: Weight of the networks in an update of their targets, in (0, 1].
        capacity: Transitions that each player's buffer keeps.
        batch_size: Transitions per update, drawn with replacement.
        first_update: Transitions in the buffer before the first update, >= 1; default: batch_size.
        reward_scale: Factor > 0 of rewards in what critics learn; 1 in the text.
    """

    episodes: int = 1000
    parallel_episodes: int = 1
    update_ratio: float = 1.0
    actor_learning_rate: float = 5e-5
    critic_learning_rate: float = 1e-4
    halve_rates_at: tuple[int, ...] = ()
    sigma: float = 0.08
    noise_reversion: float = 0.15
    halve_noise_at: tuple[int, ...] = ()
    noise_on: Literal["probs", "logits"] = "probs"
    tau: float = 0.005
    capacity: int = 50_000
    batch_size: int = 128
    first_update: int | None = None
    reward_scale: float = 1.0

    def __post_init__(self) -> None:
        ArchitectureConfig.__post_init__(self)
        for name in ("episodes", "parallel_episodes", "capacity", "batch_size"):
            self._set(name, check_integer(name, getattr(self, name), 1))
        if self.episodes % self.parallel_episodes:
            raise ValueError(
                f"episodes must be a multiple of parallel_episodes = {self.parallel_episodes}, got {self.episodes}"
            )
        for name in ("update_ratio", "actor_learning_rate", "critic_learning_rate", "reward_scale"):
            self._set(name, check_real(name, getattr(self, name), 0, open_minimum=True))
        for name in ("halve_rates_at", "halve_noise_at"):
            self._set(name, _halvings(name, getattr(self, name)))
        self._set("sigma", check_real("sigma", self.sigma, 0))
        self._set("noise_reversion", check_real("noise_reversion", self.noise_reversion, 0, 1))
        check_choice("noise_on", self.noise_on, NOISE_ON)
        self._set("tau", check_real("tau", self.tau, 0, 1, open_minimum=True))
        if self.first_update is not None:
            self._set("first_update", check_integer("first_update", self.first_update, 1, self.capacity))

    @property
    def total_rounds(self) -> int:
        """Rounds of the whole training."""
        return self.episodes // self.parallel_episodes

    @property
    def waits_for(self) -> int:
        """Transitions in the buffer before the first update."""
        return min(self.batch_size, self.capacity) if self.first_update is None else self.first_update

    @property
    def is_algorithm_2(self) -> bool:
        """Whether each step of a single episode is followed by one update of every player, as in the text."""
        return self.parallel_episodes == 1 and self.update_ratio == 1

    def rate_factor(self, rounds_done: int) -> float:
        """What step sizes are multiplied by after so many rounds."""
        return self._halved(self.halve_rates_at, rounds_done)

    def exploration(self, rounds_done: int) -> float:
        """Sigma after so many rounds."""
        return self.sigma * self._halved(self.halve_noise_at, rounds_done)

    def updates_due(self, steps_done: int) -> int:
        """Updates of each player that follow the next step of the parallel episodes after so many of them."""
        per_step = self.update_ratio * self.parallel_episodes
        return math.floor((steps_done + 1) * per_step) - math.floor(steps_done * per_step)

    def _halved(self, at: tuple[int, ...], rounds_done: int) -> float:
        return 0.5 ** sum(rounds_done * self.parallel_episodes >= episode for episode in at)


def _halvings(name: str, value: Any) -> tuple[int, ...]:
    """Increasing numbers of episodes; none for 0 or nothing."""
    if value in (0, (), [], (0,), [0]):
        return ()
    if isinstance(value, str) or not isinstance(value, tuple | list):
        raise TypeError(f"{name} must be a sequence of numbers of episodes, got {value!r}")
    episodes = tuple(check_integer(f"{name}[{k}]", episode, 1) for k, episode in enumerate(value))
    if sorted(set(episodes)) != list(episodes):
        raise ValueError(f"{name} must be increasing, got {episodes}")
    return episodes
