"""Nash Q-learning, readable next to the table of the algorithm in [Hu2003] section 3.2.

One learner. It sees every agent's actions and rewards and keeps a table for each of them, its own among them. It speaks
of no game: who drives it (`training.NashQPopulation`) tells it states, legal actions, rewards and the end.
"""

from collections.abc import Sequence

from mpgg_agents.nash_q.config import NashQConfig
from mpgg_agents.nash_q.rules import ACT, drawn_action
from mpgg_agents.nash_q.tables import QTables, Sight
from mpgg_agents.schedules import exploration_threshold, exponential_decay
from mpgg_env.core.philox import below, draw_words


class NashQAgent:
    """One Nash Q-learner.

    Every step calls `choose`, `learn` unless nothing is to be learned, and `end_step`.

    Args:
        index: Index of the agent, which gives it random numbers of its own.
        config: Hyper-parameters.
        seed: Seed of the run, in [0, 2**64).
        tables: All agents' tables. Learners of one seed have equal tables at all times, so that they may share them;
            then one of them learns for all.
        round_steps: Steps that make a round, over which exploration falls.
    """

    def __init__(self, index: int, config: NashQConfig, seed: int, tables: QTables, round_steps: int = 1) -> None:
        self.index, self.config, self.seed, self.tables = index, config, seed, tables
        self.round_steps = round_steps
        self.step = 0
        self.explores = True

    @property
    def epsilon(self) -> float:
        """Exploration rate of this step."""
        config = self.config
        if not self.explores:
            return 0.0
        return exponential_decay(config.eps_0, config.decay, config.eps_min, self.step // self.round_steps)

    def choose(self, sight: Sight) -> int:
        """A random legal action with probability epsilon, else one drawn from its own strategy in the equilibrium."""
        legal = sight.legal[self.index]
        explore, pick, _, _ = draw_words(self.seed, self.index, self.step, ACT)
        if explore < exploration_threshold(self.epsilon):
            return legal[below(pick, len(legal))]
        strategy = self.tables.stage(sight).strategies[self.index]
        return legal[drawn_action(strategy, len(legal), int(pick))]

    def learn(self, sight: Sight, actions: Sequence[int], rewards: Sequence[float], following: Sight | None) -> None:
        """The update of all agents' tables.

        Args:
            sight: The state s.
            actions: What each agent did there.
            rewards: What each agent got.
            following: The state s' that came; None for the end, after which nothing is worth anything.
        """
        worth = [0.0] * len(actions) if following is None else self.tables.stage(following).worth.tolist()
        self.tables.learn(sight, actions, rewards, worth)

    def end_step(self) -> None:
        """Time goes on, and with it exploration."""
        self.step += 1
