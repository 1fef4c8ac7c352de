"""Gains by deviating where the joint states are too many: a response to estimated laws, judged by simulation."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from mpgg_env.analysis.encounters import EncounterResponse, Encounters, EstimatedGame, Wandering
from mpgg_env.analysis.joint_states import drawn_starts
from mpgg_env.analysis.policies import Deviation, Policies
from mpgg_env.analysis.simulation import Round, discounted_payoffs, play
from mpgg_env.core.config import Config
from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.core.validation import check_integer, check_real
from mpgg_env.games.mpgg.config import MPGGConfig

# What the random numbers are for: no two of these share any.
JUDGE: Final = 0
LEARN: Final = 1
SELECT: Final = 2
START: Final = 3
AGENTS: Final = 4

MOST_PLAYED_ROUNDS: Final = 100_000  # where nothing says how long to play, an hour is too long to find out


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling(Config):
    """Numbers of the sampled method.

    Attributes:
        seed: Seed of all its random numbers, at least 0.
        replicas: Independent replicas in each simulation, at least 2.
        learning_rounds: Rounds, in every replica, in which the law of what the deviator meets is watched; a game with a
            last round is begun anew until it has been played that long.
        improvements: How often the response is computed, watched in play, and computed again.
        exploration: Share of rounds in which the deviator acts at random while the law is watched, in (0, 1].
        cut: Without a last round, play ends when a payoff counts less than this, in (0, 1).
        confidence: Level of the confidence intervals, in (0, 1).
    """

    seed: int = 0
    replicas: int = 64
    learning_rounds: int = 200
    improvements: int = 2
    exploration: float = 0.3
    cut: float = 1e-4
    confidence: float = 0.95

    def __post_init__(self) -> None:
        self._set("seed", check_integer("seed", self.seed, 0))
        self._set("replicas", check_integer("replicas", self.replicas, 2))
        self._set("learning_rounds", check_integer("learning_rounds", self.learning_rounds, 1))
        self._set("improvements", check_integer("improvements", self.improvements, 1))
        self._set("exploration", check_real("exploration", self.exploration, 0, 1, open_minimum=True))
        for name in ("cut", "confidence"):
            self._set(name, check_real(name, getattr(self, name), 0, 1, open_minimum=True, open_maximum=True))


class _Search:
    """The search for one profile's gains; the own policies are played once for all agents."""

    def __init__(
        self,
        config: MPGGConfig,
        policies: Policies,
        gamma: float,
        rounds: int | None,
        start: IntArray | None,
        sampling: Sampling,
        work: Callable[[], None],
    ) -> None:
        self.config, self.policies, self.gamma, self.rounds, self.sampling = config, policies, gamma, rounds, sampling
        self.length = rounds if rounds is not None else played_rounds(gamma, sampling.cut)
        self._work, self._start = work, start
        self.own = {purpose: self._payoffs(purpose) for purpose in (JUDGE, SELECT)}

    def best_deviation(self, agent: int) -> EncounterResponse | None:
        """The response that earned most in the selection replicas; None if none beats the own policy there."""
        encounters = Encounters(self.config, self.policies, agent)
        behaviour: Deviation = Wandering(self.config, agent, self.sampling.exploration)
        best, best_gain = None, 0.0
        for improvement in range(self.sampling.improvements):
            self._meet(encounters, improvement, behaviour)
            response = EstimatedGame(encounters, self.gamma).solve(self.rounds)
            gain = float(self.gains(SELECT, agent, response).mean())
            if gain > best_gain:
                best, best_gain = response, gain
            behaviour = response.exploring(self.sampling.exploration)
        return best

    def gains(self, purpose: int, agent: int, deviation: Deviation) -> FloatArray:
        """What the deviation earns more than the own policy in each replica, (R,)."""
        gains: FloatArray = self._payoffs(purpose, (agent, deviation))[:, agent] - self.own[purpose][:, agent]
        return gains

    def _meet(self, encounters: Encounters, improvement: int, behaviour: Deviation) -> None:
        def watch(played: Round) -> None:
            encounters.watch(played)
            self._work()

        for episode in range(learning_episodes(self.rounds, self.sampling)):
            words = (LEARN, encounters.agent, improvement, episode)
            play(
                self.config,
                self.policies,
                self._starts(words),
                self.sampling.learning_rounds if self.rounds is None else self.rounds,
                (self.sampling.seed, *words),
                watch,
                (encounters.agent, behaviour),
            )

    def _payoffs(self, purpose: int, deviator: tuple[int, Deviation] | None = None) -> FloatArray:
        return discounted_payoffs(
            self.config,
            self.policies,
            self._starts((purpose,)),
            self.length,
            self.gamma,
            (self.sampling.seed, purpose),
            deviator,
            lambda played: self._work(),
        )

    def _starts(self, purpose: tuple[int, ...]) -> IntArray:
        if self._start is not None:
            return np.tile(self._start, (self.sampling.replicas, 1))
        words = np.random.SeedSequence((self.sampling.seed, START, *purpose)).generate_state(1, np.uint64)
        return drawn_starts(self.config, self.sampling.replicas, int(words[0]))


def sampled_gains(
    config: MPGGConfig,
    policies: Policies,
    gamma: float,
    rounds: int | None,
    start: IntArray | None,
    agents: Sequence[int],
    sampling: Sampling,
    progress: Callable[[float], None],
) -> list[dict[str, Any]]:
    """The fields of `exploitability.Gain` for every agent; the arguments are checked."""
    length = rounds if rounds is not None else played_rounds(gamma, sampling.cut)
    watched = sampling.learning_rounds if rounds is None else rounds * learning_episodes(rounds, sampling)
    each = sampling.improvements * (watched + length) + length
    total, done = 2 * length + len(agents) * each, 0

    def work() -> None:
        nonlocal done
        done += 1
        progress(done / total)

    search = _Search(config, policies, gamma, rounds, start, sampling, work)
    found = []
    for agent in agents:
        deviation = search.best_deviation(agent)
        value = float(search.own[JUDGE][:, agent].mean())
        gains = np.zeros(sampling.replicas) if deviation is None else search.gains(JUDGE, agent, deviation)
        gain = float(gains.mean())
        found.append(
            {
                "agent": agent,
                "value": value,
                "best_response_value": value + gain,
                "gain": gain,
                "interval": _interval(gains, 1 - (1 - sampling.confidence) / len(agents)),
                "best_response": deviation,
            }
        )
    progress(1.0)
    return found


def learning_episodes(rounds: int | None, sampling: Sampling) -> int:
    """How often a game with a last round is played to have at least `learning_rounds` rounds; once without one."""
    return 1 if rounds is None else -(-sampling.learning_rounds // rounds)


def played_rounds(gamma: float, cut: float) -> int:
    """Rounds until a payoff counts less than `cut`.

    Raises:
        ValueError: They are more than 100,000.
    """
    length = 1 if gamma == 0 else math.ceil(math.log(cut) / math.log(gamma))
    if length > MOST_PLAYED_ROUNDS:
        raise ValueError(
            f"gamma = {gamma!r} needs {length:,} rounds until a payoff counts less than cut = {cut:g}, and sampling "
            f"plays {MOST_PLAYED_ROUNDS:,} at most: give rounds, a smaller gamma or a larger cut"
        )
    return length


def _interval(gains: FloatArray, confidence: float) -> tuple[float, float]:
    """Student's interval of the mean over the replicas."""
    from scipy.stats import t

    mean, error = float(gains.mean()), float(gains.std(ddof=1)) / math.sqrt(len(gains))
    width = float(t.ppf((1 + confidence) / 2, len(gains) - 1)) * error
    return mean - width, mean + width
