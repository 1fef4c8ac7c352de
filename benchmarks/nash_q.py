"""The solver of stage games beside that of quantecon, pure equilibria in batches, and the rounds of Nash-Q per second.

Stage games of two players with five actions each, payoffs uniform in [0, 1]: as they come, and those of them without a
pure equilibrium alone, where an algorithm has to find a mixed one. Every equilibrium is checked. All on one core.
"""

import numpy as np
from quantecon.game_theory import NormalFormGame, Player, lemke_howson

from benchmarks.measure import Figure, in_turn, ratios, require, seconds
from mpgg_agents.nash_q import NashQConfig, NashQTrainer, pure_equilibria, solve_stage_games
from mpgg_agents.nash_q.solver import METHODS, StageEquilibria
from mpgg_env import MPGGConfig
from mpgg_env.core.types import FloatArray

STAGE_GAMES_BAR = 20_000.0
PURE_BAR = 5.0
SMALL_GAME = {"n_agents": 2, "grid_shape": (1, 2), "gain_range": (1.2, 1.8), "boundary": "mask"}


class Contest:
    """Both solvers on the same games, with the check of what they found."""

    def __init__(self, games: int, peer_games: int) -> None:
        generator = np.random.default_rng(0)
        self.games: FloatArray = generator.random((games, 2, 5, 5))
        self.mixed = self.games[~pure_equilibria(self.games).any(axis=(1, 2))]
        self.small: FloatArray = generator.random((20 * games, 2, 2, 2))
        self.peer_games = [
            NormalFormGame([Player(own), Player(other.T.copy())]) for own, other in self.mixed[:peer_games]
        ]

    def ours(self, games: FloatArray) -> float:
        """Stage games per second, from the payoffs to the checked equilibria."""
        solved: list[StageEquilibria] = []
        rate = len(games) / seconds(lambda: solved.append(solve_stage_games(games)))
        require(regret(games, *solved[0].strategies) < 1e-9, "every profile is an equilibrium")
        require(bool((solved[0].exploitability < 1e-9).all()), "and is reported as one")
        if games is self.mixed:
            require(bool((solved[0].methods != METHODS.index("pure")).all()), "none of these is pure")
        return rate

    def peer(self) -> float:
        """Games without pure equilibria per second by quantecon, from ready game objects."""
        found: list[tuple[FloatArray, FloatArray]] = []
        rate = len(self.peer_games) / seconds(lambda: found.extend(lemke_howson(game) for game in self.peer_games))
        first, second = (np.array([pair[i] for pair in found]) for i in range(2))
        require(regret(self.mixed[: len(found)], first, second) < 1e-9, "quantecon's profiles are equilibria too")
        return rate

    def pure(self) -> float:
        """Games of 2 x 2 per second, in millions, of which all pure equilibria are marked."""
        marked: list[np.ndarray] = []  # type: ignore[type-arg]
        rate = len(self.small) / seconds(lambda: marked.append(pure_equilibria(self.small)))
        rows, columns = self.small[:, 0], self.small[:, 1]
        expected = (rows == rows.max(axis=1, keepdims=True)) & (columns == columns.max(axis=2, keepdims=True))
        require(bool((marked[0] == expected).all()), "the marks are those of numpy")
        # Of random 2 x 2 games an eighth has no pure equilibrium and an eighth two: one on average.
        require(abs(float(marked[0].sum()) / len(self.small) - 1) < 0.01, "one pure equilibrium on average")
        return rate / 1e6


def regret(games: FloatArray, first: FloatArray, second: FloatArray) -> float:
    """The largest gain from a deviation over all games (G, 2, m, n) and their profiles (G, m), (G, n)."""
    rows = np.einsum("gab,gb->ga", games[:, 0], second)
    columns = np.einsum("gab,ga->gb", games[:, 1], first)
    gains = [
        rows.max(axis=1) - np.einsum("ga,ga->g", rows, first),
        columns.max(axis=1) - np.einsum("gb,gb->g", columns, second),
    ]
    return float(np.max(gains))


def rounds_per_second(rounds: int) -> float:
    """Rounds of the smallest game per second, two equilibria and two updates each."""
    trainer = NashQTrainer(MPGGConfig(**SMALL_GAME), NashQConfig(state="observations"), [0], rounds)  # type: ignore[arg-type]
    rate = rounds / seconds(lambda: trainer.advance(rounds))
    require(trainer.learned(0)["visits"].sum() == 2 * rounds, "every step is learned")
    return rate


def run(quick: bool) -> list[Figure]:
    """Rates of the solver and of its peer, their ratio, and those of the learner."""
    contest = Contest(5_000 if quick else 50_000, 1_000 if quick else 5_000)
    tasks = {
        "all": lambda: contest.ours(contest.games),
        "mixed": lambda: contest.ours(contest.mixed),
        "peer": contest.peer,
        "pure": contest.pure,
        "rounds": lambda: rounds_per_second(2_000 if quick else 10_000),
    }
    rates = in_turn(tasks, 3 if quick else 7)
    return [
        Figure(
            name="stage games 5 x 5",
            values=rates["all"],
            unit="games/s",
            bar=STAGE_GAMES_BAR,
            higher_is_better=True,
            note="payoffs to equilibria with values and exploitability, 28 % of them without a pure one",
        ),
        Figure(
            name="those without a pure one",
            values=rates["mixed"],
            unit="games/s",
            bar=STAGE_GAMES_BAR,
            higher_is_better=True,
        ),
        Figure(
            name="the same, quantecon's lemke_howson",
            values=rates["peer"],
            unit="games/s",
            note="game by game from ready NormalFormGame objects; making them is not counted",
        ),
        Figure(name="ours / quantecon", values=ratios(rates["mixed"], rates["peer"]), unit="x"),
        Figure(
            name="pure equilibria of 2 x 2 games",
            values=rates["pure"],
            unit="M games/s",
            bar=PURE_BAR,
            higher_is_better=True,
        ),
        Figure(
            name="training, two agents, two casinos",
            values=rates["rounds"],
            unit="rounds/s",
            note="a round is two steps of the environment, each with a stage game and an update",
        ),
    ]
