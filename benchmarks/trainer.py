"""The compiled trainer against plain-Python independent Q-learning, in agent-steps per second.

One agent-step is one agent's game move, migration move and both updates of its tables. Both sides start at round 0
of the default configuration, where exploration is highest and most states are new. The peer is the free run of the
second implementation in `tests/oracles/iql_oracle.py`.
"""

import statistics

from benchmarks.measure import Figure, in_turn, ratios, require, seconds
from mpgg_agents.iql import IQLConfig
from mpgg_agents.iql.trainer import IQLTrainer
from mpgg_agents.record import Record
from mpgg_env import MPGGConfig
from tests.oracles.iql_oracle import Outcome, train

ROUNDS = 20_000
LONG_ROUNDS = 100_000
BAR = 250.0
MEMORY_BAR_MB = 200.0
THREADS = 2


class Contest:
    """Both sides on the same game, with the check of what they did."""

    def __init__(self, plain_rounds: int) -> None:
        self.game, self.agent = MPGGConfig(), IQLConfig()
        self.plain_rounds = plain_rounds
        self.records: dict[int, Record] = {}
        self.outcome: Outcome | None = None

    def compiled(self, replicas: int) -> float:
        """Agent-steps per second from making the trainer to the end of its 20,000 rounds."""

        def work() -> None:
            trainer = IQLTrainer(self.game, self.agent, list(range(replicas)), ROUNDS, threads=THREADS)
            self.keep(trainer.advance(ROUNDS))

        return replicas * ROUNDS * self.game.n_agents / seconds(work)

    def keep(self, record: Record) -> None:
        """Remembers the first record of this many replicas and compares later ones with it."""
        replicas = len(record.cooperators)
        first = self.records.setdefault(replicas, record)
        require(bool((record.cooperators == first.cooperators).all()), "the same seeds give the same run")
        agent_rounds = int(record.casino_occupancy.sum())
        require(agent_rounds == replicas * ROUNDS * self.game.n_agents, "every agent plays in every round")

    def plain(self) -> float:
        """Agent-steps per second of the plain program."""

        def work() -> None:
            self.outcome = train(self.game, self.agent, self.plain_rounds, seed=0)

        return self.plain_rounds * self.game.n_agents / seconds(work)

    def check(self) -> None:
        """Both sides cooperate alike in the rounds that both played.

        Almost every action is a coin toss there, so that a rate over n actions has a standard error of 0.5 / sqrt(n).
        """
        require(self.outcome is not None and set(self.records) == {1, 2}, "all sides have run")
        plain = statistics.fmean(self.outcome.cooperators) if self.outcome else 0.0
        compiled = float(self.records[2].cooperators[:, : self.plain_rounds].mean())
        tolerance = 6 * 0.5 * (self.game.n_agents / self.plain_rounds) ** 0.5
        require(abs(plain - compiled) < tolerance, f"both cooperate alike: {plain:.2f}, {compiled:.2f} of 150 agents")


def run(quick: bool) -> list[Figure]:
    """Rates of both sides, their ratio, and the memory of a long run."""
    contest = Contest(plain_rounds=400 if quick else 1000)
    tasks = {
        "two": lambda: contest.compiled(2),
        "plain": contest.plain,
        "one": lambda: contest.compiled(1),
    }
    rates = in_turn(tasks, 3 if quick else 7)
    contest.check()
    millions = {name: tuple(rate / 1e6 for rate in values) for name, values in rates.items()}
    rounds = f"the first {ROUNDS:,} rounds, from IQLTrainer(...) to the end of advance, {THREADS} threads"
    return [
        Figure(name="compiled, two replicas", values=millions["two"], unit="M agent-steps/s", note=rounds),
        Figure(name="compiled, one replica", values=millions["one"], unit="M agent-steps/s"),
        Figure(
            name="plain Python",
            values=millions["plain"],
            unit="M agent-steps/s",
            note=f"the first {contest.plain_rounds:,} rounds",
        ),
        Figure(
            name="compiled (two) / plain",
            values=ratios(rates["two"], rates["plain"]),
            unit="x",
            bar=BAR,
            higher_is_better=True,
        ),
        *_long_run(contest.game, contest.agent, ROUNDS if quick else LONG_ROUNDS),
    ]


def _long_run(game: MPGGConfig, agent: IQLConfig, rounds: int) -> list[Figure]:
    trainer = IQLTrainer(game, agent, [0, 1], rounds, threads=THREADS)
    rate = 2 * rounds * game.n_agents / seconds(lambda: trainer.advance(rounds))
    learned = {(int(agent), int(casino)) for agent, casino, *_ in trainer.tables(0)["game_states"]}
    require(len(learned) == game.n_agents * game.n_casinos, "every agent has learned in every casino")
    memory = trainer.memory_bytes / 2 / 1e6
    return [
        Figure(name=f"{rounds:,} rounds, two replicas", values=(rate / 1e6,), unit="M agent-steps/s"),
        Figure(name="memory per replica then", values=(memory,), unit="MB", bar=MEMORY_BAR_MB),
    ]
