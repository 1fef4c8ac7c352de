"""Steps of DNashQ-MFTG per second on one core, beside a loop of Python over numpy tables with the same bits.

Population matching on grids of n_S = 5 and n_A = 1: 441 states, 27 central actions of each player. Every step plays the
equilibrium of the 27 x 27 stage game in its state, or explores, and updates with what that of the next state is worth.
A stage game whose values have not changed since it was solved is not solved again.
"""

import numpy as np

from benchmarks.measure import Figure, in_turn, ratios, require, seconds
from mpgg_agents.mean_field.dnashq import DNashQConfig, DNashQTrainer, nash_value_iteration
from mpgg_agents.mean_field.il import ILConfig, ILTrainer
from mpgg_env.analysis.mean_field.tabular_response import exploitability
from mpgg_env.games.mean_field.population_matching.config import PopulationMatchingConfig
from tests.oracles.dnashq_oracle import dnashq

STEPS_BAR = 250_000.0
GAME = PopulationMatchingConfig()


class Contest:
    """Our trainer and the loop on the same episodes, with the check of what they learned."""

    def __init__(self, episodes: int, peer_episodes: int) -> None:
        self.episodes, self.peer_episodes = episodes, peer_episodes
        DNashQTrainer(GAME, DNashQConfig(n_states_grid=1, episodes=2), [0]).advance(2)  # compiles

    def ours(self, omega: float) -> float:
        """Steps per second of one replica from its first episode on."""
        trainer = DNashQTrainer(GAME, DNashQConfig(episodes=self.episodes, omega=omega), [0], threads=1)
        rate = self.episodes * GAME.max_cycles / seconds(lambda: trainer.advance(self.episodes))
        replica = trainer.replicas[0]
        require(replica.visits.sum() == self.episodes * GAME.max_cycles, "every step is learned")  # type: ignore[attr-defined]
        return rate

    def peer(self) -> float:
        """Steps per second of the loop, which must learn the same values."""
        config = DNashQConfig(episodes=self.peer_episodes, omega=1.0)
        trainer = DNashQTrainer(GAME, config, [0], threads=1)
        trainer.advance(self.peer_episodes)
        game, replica = trainer.discretised, trainer.replicas[0]
        k, c = np.arange(1, self.peer_episodes + 1), config
        epsilons = c.eps_end + (c.eps_0 - c.eps_end) * np.maximum(0, 1 - k / (c.eps_share * self.peer_episodes))
        starts = replica._starts(0, self.peer_episodes).tolist()  # type: ignore[attr-defined]
        tables: list[np.ndarray] = []  # type: ignore[type-arg]

        def learn() -> None:
            tables.append(
                dnashq(
                    game.next_index,
                    game.rewards,
                    GAME.discount,
                    GAME.max_cycles,
                    starts,
                    epsilons.tolist(),
                    c.omega,
                    game.worst_values.tolist(),
                    0,
                )[0]
            )

        rate = self.peer_episodes * GAME.max_cycles / seconds(learn)
        ours = replica.values.reshape(game.n_states, 2, *game.n_actions).swapaxes(0, 1)  # type: ignore[attr-defined]
        require(bool(np.allclose(ours, tables[0], rtol=0, atol=1e-12)), "both learn the same values")
        return rate

    def independent(self) -> float:
        """Steps per second of IL-MFTG."""
        trainer = ILTrainer(GAME, ILConfig(episodes=self.episodes), [0], threads=1)
        return self.episodes * GAME.max_cycles / seconds(lambda: trainer.advance(self.episodes))

    def iteration(self) -> float:
        """Seconds of Nash value iteration of the same game, to an equilibrium."""
        trainer = DNashQTrainer(GAME, DNashQConfig(), [0])
        found = []
        time = seconds(lambda: found.append(nash_value_iteration(trainer.discretised)))
        require(found[0].converged and exploitability(found[0].profile).max() < 1e-9, "it is an equilibrium")
        return time


def run(quick: bool) -> list[Figure]:
    """Rates of the learners, of the loop, and the time of the exact values."""
    contest = Contest(4_000 if quick else 40_000, 20 if quick else 100)
    tasks = {
        "one": lambda: contest.ours(0.0),
        "mean": lambda: contest.ours(1.0),
        "peer": contest.peer,
        "independent": contest.independent,
        "iteration": contest.iteration,
    }
    rates = in_turn(tasks, 3 if quick else 7)
    return [
        Figure(
            name="DNashQ, rate 1",
            values=rates["one"],
            unit="steps/s",
            bar=STEPS_BAR,
            higher_is_better=True,
            note=f"{contest.episodes:,} episodes from the first one on, with the drawing of their starts",
        ),
        Figure(name="DNashQ, rate 1 / N", values=rates["mean"], unit="steps/s", bar=STEPS_BAR, higher_is_better=True),
        Figure(
            name="the same, loop over numpy tables",
            values=rates["peer"],
            unit="steps/s",
            note="the first episodes of such a training; the values are compared",
        ),
        Figure(name="ours / loop", values=ratios(rates["mean"], rates["peer"]), unit="x"),
        Figure(name="IL-MFTG", values=rates["independent"], unit="steps/s"),
        Figure(
            name="Nash value iteration",
            values=rates["iteration"],
            unit="s",
            note="until nothing changes, over 321,489 entries",
        ),
    ]
