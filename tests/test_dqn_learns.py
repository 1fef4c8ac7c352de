"""Deep Q-learning solves tiny games whose answer is known, and explores as it says."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete
from pettingzoo.utils.env import ParallelEnv

from mpgg_agents.dqn import DQNConfig, DQNPopulation, DQNTrainer, train
from mpgg_agents.dqn.agent import DQNAgents
from mpgg_env import MPGGConfig, parallel_env

pytestmark = [
    pytest.mark.algorithm,
    pytest.mark.filterwarnings("ignore::mpgg_env.DilemmaWarning"),
]

SHARINGS = ["shared", "independent"]
SEEDS = range(4)
LEARNER: dict[str, Any] = {
    "hidden": (16,),
    "learning_rate": 0.01,
    "decay": 0.99,
    "eps_min": 0.0,
    "capacity": 300,
    "train_every": 1,
    "target_every": 10,
}
ONE_CASINO: dict[str, Any] = {"n_agents": 3, "grid_shape": (1, 1), "cost": [1.0]}


def learner(sharing: str, **options: Any) -> DQNConfig:
    return DQNConfig(sharing=sharing, **{**LEARNER, **options})  # type: ignore[arg-type]


def greedy_cooperators(gain: float, agent: DQNConfig, rounds: int = 400) -> list[int]:
    """Distinct numbers of cooperators in the greedy rounds of several seeds."""
    trainer = DQNTrainer(MPGGConfig(**ONE_CASINO, gain=[gain]), agent, SEEDS, rounds, threads=1)
    trainer.advance(rounds)
    return np.unique(trainer.evaluate(20).cooperators).tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("sharing", SHARINGS)
def test_cooperates_where_the_gain_exceeds_the_occupancy(sharing: str, double: bool) -> None:
    """r = 5 > n = 3: a cooperator gets c (r / n - 1) > 0 more whatever the others do."""
    assert greedy_cooperators(5.0, learner(sharing, double=double, gamma=0.5)) == [3]


@pytest.mark.parametrize("sharing", SHARINGS)
def test_defects_where_the_occupancy_exceeds_the_gain(sharing: str) -> None:
    """r = 1.5 < n = 3, one-shot: defecting is dominant."""
    assert greedy_cooperators(1.5, learner(sharing, gamma=0.0)) == [0]


@pytest.mark.parametrize("sharing", SHARINGS)
def test_plain_agents_solve_it_too(sharing: str) -> None:
    for gain, everybody in ((5.0, [1, 1, 1]), (1.5, [0, 0, 0])):
        env = parallel_env(**ONE_CASINO, gain=[gain])
        *_, (population, _) = train(env, learner(sharing, gamma=0.0), 400, seed=5)
        population.agents.learns = False
        population.begin_episode(seed=6)
        for _ in range(10):
            assert population.play_round().game_actions.tolist() == everybody


@pytest.mark.parametrize("sharing", SHARINGS)
def test_moves_to_the_better_casino_and_stays(sharing: str) -> None:
    """A cooperator among cooperators earns c (r - 1): 0.4 in casino 0 and 4 in casino 1; r = 5 > N in both."""
    game = MPGGConfig(n_agents=3, grid_shape=(1, 2), cost=[0.1, 1.0], gain=[5.0, 5.0], boundary="wall")
    trainer = DQNTrainer(game, learner(sharing, gamma=0.5), SEEDS, 400, threads=1)
    trainer.advance(400)
    trainer.evaluate(1)  # the last move of the training may have explored
    np.testing.assert_allclose(trainer.evaluate(50).welfare, 3 * 4.0)
    assert (trainer.positions == 1).all()


@pytest.mark.parametrize("sharing", SHARINGS)
def test_values_of_staying_in_the_better_casino_are_its_discounted_payoff(sharing: str) -> None:
    """A fixed point: Q_M(stay) = v + gamma Q_M(stay), so v / (1 - gamma) = 4 / 0.5; one agent, who is never crowded."""
    game = MPGGConfig(n_agents=1, grid_shape=(1, 2), cost=[0.1, 1.0], gain=[5.0, 5.0], boundary="wall")
    agent = learner(sharing, gamma=0.5, eps_min=0.1)
    *_, (population, _) = train(parallel_env(**game.to_dict()), agent, 900, seed=2)
    population.agents.learns = False
    population.begin_episode(seed=2)
    for _ in range(3):
        population.play_round()
    inputs = population.agents.arrays()["move.inputs"]
    assert inputs[0, 3] == 1  # in casino 1
    assert population.agents.Q_M.values(inputs).max() == pytest.approx(8.0, rel=0.1)
    assert population.agents.Q_G.values(population.agents.arrays()["game.inputs"]).max() == pytest.approx(8.0, rel=0.1)


RIGHT_MOVE = {0: 1, 2: 0, 4: 4}  # of the number of cooperators that is shown
ILLEGAL_MOVE = 3


class Signals(ParallelEnv[str, Any, Any]):
    """A two-phase game of the contract in which n_C tells each agent where to go, and the next payoff whether it did.

    The payoff is 1 after the right move and 0 after another one, and 0.5 less for the game action 1.
    """

    metadata: dict[str, Any] = {"name": "signals_v0"}  # noqa: RUF012 - as PettingZoo wants it
    high = np.array([1, 1, 0, 0, 1, 1, 4, 4], np.float32)

    def __init__(self) -> None:
        self.possible_agents = ["agent_0", "agent_1"]
        self.agents: list[str] = []
        self.max_cycles = 0
        self._spaces = {agent: (Box(np.zeros(8, np.float32), self.high), Discrete(5)) for agent in self.possible_agents}

    def observation_space(self, agent: str) -> Box:
        return self._spaces[agent][0]

    def action_space(self, agent: str) -> Discrete:
        return self._spaces[agent][1]

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        self.agents, self.cycle = self.possible_agents.copy(), 0
        self.shown = np.zeros(2, np.int64)
        self.right = np.zeros(2, np.bool_)
        return self._observations(), self._infos()

    def step(self, actions: dict[str, int]) -> Any:
        chosen = np.array([actions[agent] for agent in self.agents])
        rewards = np.zeros(2)
        if self.cycle % 2 == 0:
            assert (chosen < 2).all()
            rewards = self.right - 0.5 * chosen
            self.shown = 2 * self._rng.integers(3, size=2)
        else:
            assert (chosen != ILLEGAL_MOVE).all()
            self.right = chosen == [RIGHT_MOVE[int(shown)] for shown in self.shown]
        self.cycle += 1
        done, agents = self.cycle >= self.max_cycles, self.agents
        result = (
            self._observations(),
            dict(zip(agents, rewards.tolist(), strict=True)),
            dict.fromkeys(agents, False),
            dict.fromkeys(agents, done),
            self._infos(),
        )
        self.agents = [] if done else agents
        return result

    def _observations(self) -> dict[str, np.ndarray[Any, Any]]:
        migration = self.cycle % 2
        rows = np.zeros((2, 8), np.float32)
        rows[:, migration] = 1
        rows[:, 6] = 4
        rows[:, 7] = self.shown * migration
        return dict(zip(self.possible_agents, rows, strict=True))

    def _infos(self) -> dict[str, dict[str, Any]]:
        mask = [1, 1, 1, 0, 1] if self.cycle % 2 else [1, 1, 0, 0, 0]
        return {agent: {"action_mask": np.array(mask, np.int8)} for agent in self.possible_agents}


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("sharing", SHARINGS)
def test_the_right_move_depends_on_the_cooperators(sharing: str, double: bool) -> None:
    agent = learner(sharing, double=double, hidden=(32,), gamma=0.3, decay=0.99, eps_min=0.05, counts="linear")
    for seed in (1, 2, 3):
        env = Signals()
        *_, (population, _) = train(env, agent, 1_000, seed)
        answers = greedy_answers(population, env, rounds=60)
        assert answers == set(RIGHT_MOVE.items())


def greedy_answers(population: DQNPopulation, env: Signals, rounds: int) -> set[tuple[int, int]]:
    """The pairs of n_C and move that occur in greedy play; nobody plays 1."""
    population.agents.learns = False
    population.begin_episode(seed=9)
    answers = set()
    for _ in range(rounds):
        result = population.play_round()
        assert result.game_actions.tolist() == [0, 0]
        answers |= set(zip(env.shown.tolist(), result.moves.tolist(), strict=True))
    return answers


# What one agent sees on a board of 2 x 3 casinos; 20,000 of them see the same and choose independently.
CROWD = 20_000
SEEN = np.tile(np.array([1, 0, 1, 1, 0.5, 3, 3, 1], np.float32), (CROWD, 1))
HIGH = np.array([1, 1, 1, 2, 2, 6, 7, 7], np.float32)
LEGAL = np.tile(np.array([1, 0, 1, 1, 0], np.int8), (CROWD, 1))
EPSILON = 0.3


def crowd(eps_0: float, **options: Any) -> DQNAgents:
    config = DQNConfig(eps_0=eps_0, eps_min=0.0, capacity=1, learning_starts=1, hidden=(4,), **options)
    return DQNAgents(config, HIGH, CROWD, 5, 11, restricted=True)


def choices(agents: DQNAgents) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    agents.see_games(SEEN)
    games = agents.choose_games()
    agents.receive(np.zeros(CROWD))
    agents.see_migration(SEEN, LEGAL)
    return games, agents.choose_moves()


def values_of(agents: DQNAgents) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Values of the game actions and of the moves, of the first agent."""
    arrays = agents.arrays()
    return agents.Q_G.values(arrays["game.inputs"])[0], agents.Q_M.values(arrays["move.inputs"])[0]


def assert_frequencies(actions: np.ndarray[Any, Any], expected: Sequence[float]) -> None:
    """Within 5 standard deviations."""
    for action, chance in enumerate(expected):
        deviation = 5 * np.sqrt(chance * (1 - chance) / len(actions))
        assert (actions == action).mean() == pytest.approx(chance, abs=deviation + 1e-12)


def test_without_exploration_everybody_takes_the_best_legal_action() -> None:
    """Over ten draws of the weights, in some of which the best move is illegal."""
    best_is_illegal = 0
    for seed in range(10):
        config = DQNConfig(eps_0=0.0, eps_min=0.0, capacity=1, learning_starts=1)
        agents = DQNAgents(config, HIGH, CROWD, 5, seed, restricted=True)
        games, moves = choices(agents)
        game_values, move_values = values_of(agents)
        assert (games == game_values.argmax()).all()
        assert (moves == max((0, 2, 3), key=lambda a: move_values[a])).all()
        best_is_illegal += int(move_values.argmax() in (1, 4))
    assert best_is_illegal > 0


def test_exploration_is_uniform_over_the_legal_actions() -> None:
    """An explorer takes the best action as often as any other; a game and a move explore independently."""
    agents = crowd(EPSILON)
    games, moves = choices(agents)
    game_values, move_values = values_of(agents)
    best_game, best_move = int(game_values.argmax()), max((0, 2, 3), key=lambda a: move_values[a])
    assert_frequencies(games, [EPSILON / 2 + (1 - EPSILON) * (a == best_game) for a in range(2)])
    expected = [EPSILON / 3 + (1 - EPSILON) * (a == best_move) if a in (0, 2, 3) else 0.0 for a in range(5)]
    assert_frequencies(moves, expected)
    both = (games != best_game) & (moves != best_move)
    assert_frequencies(both.astype(int), [1 - EPSILON / 2 * EPSILON * 2 / 3, EPSILON / 2 * EPSILON * 2 / 3])


def test_everybody_explores_at_rate_one_and_equal_values_are_drawn_alike() -> None:
    equal = crowd(0.0)
    equal.load_weights({name: np.zeros_like(array) for name, array in equal.weights().items()})
    for agents in (crowd(1.0), equal):
        games, moves = choices(agents)
        assert_frequencies(games, [1 / 2, 1 / 2])
        assert_frequencies(moves, [1 / 3, 0, 1 / 3, 1 / 3, 0])


def test_choices_depend_on_the_seed_the_round_and_the_phase() -> None:
    """Two explorers of two actions agree in half of the cases if they have nothing in common."""
    config = DQNConfig(decay=1.0, capacity=1, learning_starts=1)
    first, same_seed, other = (DQNAgents(config, HIGH, CROWD, 5, seed, restricted=True) for seed in (1, 1, 2))
    games, moves = choices(first)
    for mine, again in zip(choices(same_seed), (games, moves), strict=True):
        np.testing.assert_array_equal(mine, again)
    first.end_round()
    for later_games, later_moves in (choices(first), choices(other)):
        assert_frequencies((games == later_games).astype(int), [1 / 2, 1 / 2])
        assert_frequencies((moves == later_moves).astype(int), [2 / 3, 1 / 3])
    assert_frequencies(((games == 1) & (moves == 3)).astype(int), [5 / 6, 1 / 6])


def test_exploration_decays_exponentially_to_its_minimum() -> None:
    """eps(t) = max(0.3, 0.9 x 0.5^t)."""
    agents = DQNAgents(DQNConfig(eps_0=0.9, decay=0.5, eps_min=0.3), HIGH, 2, 5, 0, restricted=False)
    seen = []
    for _ in range(4):
        seen.append(agents.epsilon)
        agents.see_games(SEEN[:2])
        agents.choose_games()
        agents.receive(np.zeros(2))
        agents.see_migration(SEEN[:2], np.ones((2, 5), np.int8))
        agents.choose_moves()
        agents.end_round()
    assert seen == pytest.approx([0.9, 0.45, 0.3, 0.3])
    agents.learns = False
    assert agents.epsilon == 0


@pytest.mark.parametrize(("sharing", "networks"), [("shared", 2), ("independent", 14)])
def test_the_number_of_networks(sharing: str, networks: int) -> None:
    assert DQNAgents(learner(sharing), HIGH, 7, 5, 0, restricted=False).n_networks == networks
