"""Nash Q-learning on games whose equilibria are known: matrix games, the grid games of [Hu2003], a small MPGG."""

import itertools

import numpy as np
import pytest

from mpgg_agents.nash_q import NashQConfig, NashQPopulation, NashQTrainer, train
from mpgg_env import MPGGConfig
from tests.grid_games import RIGHT, UP, MatrixGame, grid_game_1, grid_game_2

pytestmark = pytest.mark.algorithm

EVERYWHERE = {"decay": 1.0, "eps_min": 1.0}  # every joint action is tried for ever
DILEMMA = [[[3, 0], [5, 1]], [[3, 5], [0, 1]]]  # actions C, D
STAG_HUNT = [[[4, 0], [3, 3]], [[4, 3], [0, 3]]]
PENNIES = [[[1, -1], [-1, 1]], [[-1, 1], [1, -1]]]


def only_stage(population):
    """The stage game of a game with one state, in the tables of each learner."""
    return [next(iter(agent.tables.stages.values())) for agent in population.agents]


def repeated(payoffs, rounds=400, **settings):
    config = NashQConfig(**EVERYWHERE, **settings)
    return [population for population, _ in train(MatrixGame(payoffs), config, rounds, seed=1)][-1]


@pytest.mark.parametrize(
    ("payoffs", "selection", "actions", "payoff"),
    [
        (DILEMMA, "first", [1, 1], 1),
        (DILEMMA, "social", [1, 1], 1),
        (STAG_HUNT, "first", [0, 0], 4),
        (STAG_HUNT, "social", [0, 0], 4),
        (STAG_HUNT, "risk_dominant", [1, 1], 3),
    ],
)
def test_repeated_games_with_pure_equilibria(payoffs, selection, actions, payoff) -> None:
    gamma = 0.5
    population = repeated(payoffs, alpha=0.5, gamma=gamma, selection=selection)
    # Forever the payoff of the selected equilibrium: v = payoff / (1 - gamma), and Q(a) = payoff(a) + gamma v.
    value = payoff / (1 - gamma)
    for stage in only_stage(population):
        np.testing.assert_allclose(stage.worth, value, atol=1e-9)
        np.testing.assert_allclose(stage.tables, np.array(payoffs) + gamma * value, atol=1e-9)
        assert stage.strategies.argmax(axis=1).tolist() == actions


def test_matching_pennies_is_mixed_evenly_and_played_so() -> None:
    population = repeated(PENNIES, alpha=0.5, gamma=0.5)
    for stage in only_stage(population):
        np.testing.assert_allclose(stage.strategies, 0.5, atol=1e-9)
        np.testing.assert_allclose(stage.tables, PENNIES, atol=1e-9)
    population.greedy()
    population.begin_episode()
    played = np.array([population.play_step().actions for _ in range(2000)])
    # Four joint actions of probability 1/4: the standard deviation of each share is 0.0097.
    shares = [np.mean((played == joint).all(axis=1)) for joint in itertools.product((0, 1), repeat=2)]
    np.testing.assert_allclose(shares, 0.25, atol=0.04)


def test_one_over_visits_is_the_mean_of_all_samples() -> None:
    # Without a future, Q(a) is the mean payoff from the first visit on.
    population = repeated(STAG_HUNT, rounds=100, gamma=0)
    stage = only_stage(population)[0]
    np.testing.assert_allclose(stage.tables, STAG_HUNT, atol=1e-12)
    assert stage.visits.sum() == 100


def learned_grid_game(env, steps, seed=0, **settings):
    population = NashQPopulation(env, NashQConfig(gamma=0.99, **EVERYWHERE, **settings), seed, shared=True)
    population.begin_episode(seed)
    start = population._sight
    for _ in range(steps):
        if population.play_step().ended:
            population.begin_episode()
    population.greedy()
    stage = population.agents[0].tables.stage(start)
    assert stage.legal[0] == (RIGHT, UP)
    return population, stage


def walk(env, population):
    """One greedy episode: its steps, rewards and cells."""
    population.begin_episode()
    total, path = np.zeros(2), [tuple(env.cells)]
    for _ in range(10):
        result = population.play_step()
        total += result.rewards
        path.append(tuple(env.cells))
        if result.ended:
            break
    return total, path


def test_grid_game_1_has_the_published_values_and_both_reach_their_goals() -> None:
    env = grid_game_1()
    # The game is deterministic: with alpha = 1 the values are exact once they have come back from the goals.
    population, stage = learned_grid_game(env, 12_000, alpha=1.0)
    # Four steps to either goal: 0.99^3 100 = 97.0; who meet in the middle first pay 1 and lose a step: 95.1. These are
    # the values of the start in [Hu2003] section 4. Rows: one goes right, up; columns: two goes left, up.
    published = np.array([[95.1, 97.0], [97.0, 97.0]])
    np.testing.assert_allclose(stage.tables, [published, published], atol=0.05)
    best = 0.99**3 * 100
    np.testing.assert_allclose(stage.tables[0], [[0.99 * best - 1, best], [best, best]], rtol=1e-12)
    total, path = walk(env, population)
    assert total.tolist() == [100, 100]  # no collision, which would cost 1
    assert len(path) == 5
    assert path[-1] == (8, 6)


@pytest.mark.parametrize(("selection", "seed", "first_wins"), [("social", 1, True), ("risk_dominant", 0, False)])
def test_grid_game_2_has_the_published_values_of_a_pure_equilibrium(selection, seed, first_wins) -> None:
    env = grid_game_2()
    population, stage = learned_grid_game(env, 40_000, seed, alpha_power=0.8, selection=selection)
    # [Hu2003] section 4: one goes through the middle and arrives in three steps, 0.99^2 100 = 98; the other one
    # tries the barrier and arrives at the same time with probability 1/2, else never: 49. Rows: one goes right, up;
    # columns: two goes left, up. Both up: who passes gets 98, and with probability 1/4 nobody does and all begins anew.
    winner, other = 98.01, 49.005
    v = np.array([winner, other] if first_wins else [other, winner])
    collision, again = 0.99 * v - 1, 49.005 + 0.99 / 4 * v
    published = [[[collision[0], winner], [other, again[0]]], [[collision[1], other], [winner, again[1]]]]
    # Half the samples of a try are 98 and half 0: after 2,500 visits with rates k^-0.8 the standard error is 1.5.
    np.testing.assert_allclose(stage.tables, published, atol=4.5)
    np.testing.assert_allclose(stage.worth, v, atol=4.5)
    for _ in range(20):
        total, path = walk(env, population)
        assert total.max() == 100
        assert total.min() >= 0  # nobody collides
        assert len(path) == 4
    assert any(walk(env, population)[0].tolist() == [100, 100] for _ in range(20))


GAME = {"n_agents": 2, "grid_shape": (1, 2), "cost": (0.7, 1.0), "gain": (1.3, 1.9), "boundary": "mask"}
COSTS, GAINS = GAME["cost"], GAME["gain"]
D, C = 0, 1


def payoffs_of(places, plays):
    """Payoffs of two agents ([MPGG2025] section 2.1): r c k / n less c for a cooperator."""
    earned = []
    for i in range(2):
        here = [j for j in range(2) if places[j] == places[i]]
        cooperators = sum(plays[j] for j in here)
        m = places[i]
        earned.append(GAINS[m] * COSTS[m] * cooperators / len(here) - COSTS[m] * plays[i])
    return earned


def equilibrium_of(table):
    """Values of the first pure equilibrium of {joint action: values}, or of the only mixed one of a 2 x 2 game."""
    rows, columns = (sorted({joint[i] for joint in table}) for i in range(2))
    for a, b in itertools.product(rows, columns):
        best_row = all(table[a, b][0] >= table[other, b][0] for other in rows)
        if best_row and all(table[a, b][1] >= table[a, other][1] for other in columns):
            return np.array(table[a, b])
    (a, b), (c, d) = rows, columns
    p = (table[b, d][1] - table[b, c][1]) / (table[a, c][1] - table[a, d][1] + table[b, d][1] - table[b, c][1])
    q = (table[b, d][0] - table[a, d][0]) / (table[a, c][0] - table[b, c][0] + table[b, d][0] - table[a, d][0])
    weights = {(a, c): p * q, (a, d): p * (1 - q), (b, c): (1 - p) * q, (b, d): (1 - p) * (1 - q)}
    return sum(weights[joint] * np.array(table[joint]) for joint in table)


def round_values(places, following, gamma):
    """Values of both phases from the values `following` of the next round's places: (of the game, of the migration)."""
    moves = {joint: gamma**0.5 * following[joint] for joint in itertools.product((0, 1), repeat=2)}
    # Moves are stay, then left or right: who is in casino 1 has its staying first, and that is place 1.
    ordered = {}
    for first, second in itertools.product((0, 1), repeat=2):
        ordered[first, second] = moves[places[0] ^ first, places[1] ^ second]
    after = equilibrium_of(ordered)
    games = {
        plays: np.array(payoffs_of(places, plays)) + gamma**0.5 * after for plays in itertools.product((D, C), repeat=2)
    }
    return equilibrium_of(games), after


def backward_induction(rounds, gamma):
    """Values of each round's game and migration by places, from the last round to the first."""
    following = {places: np.zeros(2) for places in itertools.product((0, 1), repeat=2)}
    values = {}
    for t in reversed(range(rounds)):
        now = {places: round_values(places, following, gamma) for places in following}
        for places, (game, migration) in now.items():
            values[2 * t, places], values[2 * t + 1, places] = game, migration
        following = {places: game for places, (game, _) in now.items()}
    return values


def test_a_small_mpgg_has_the_values_of_backward_induction() -> None:
    rounds, gamma = 3, 0.9
    agent = NashQConfig(alpha=1.0, gamma=gamma, horizon="finite", episodes=1500, **EVERYWHERE)
    trainer = NashQTrainer(MPGGConfig(**GAME), agent, [0], rounds)
    trainer.advance(trainer.total_rounds)
    learned, expected = trainer.learned(0), backward_induction(rounds, gamma)
    places = [tuple(row) for row in learned["positions"].tolist()]
    known = dict.fromkeys(zip(learned["steps"].tolist(), places, strict=True))
    # All places in all phases, but in the first round only those of the start: one agent in each casino.
    assert len(known) == 4 * (2 * rounds - 2) + 2
    for step, place, worth in zip(learned["steps"].tolist(), places, learned["worth"], strict=True):
        np.testing.assert_allclose(worth, expected[step, place], atol=1e-12)
    assert learned["exploitability"].max() < 1e-9
    # Alone in its casino everybody cooperates: 0.7 0.3 = 0.21 and 0.9. The values of the start are no more than these.
    assert expected[4, (0, 1)] == pytest.approx([0.21, 0.9])


def test_without_an_end_the_values_are_those_of_a_stationary_equilibrium() -> None:
    # Staying in casino 0, for 0.21 a round, is better than going to casino 1 and seeing the other one yield, for 0 and
    # then 0.9 a round, if gamma < 0.21 / 0.9. With more patient agents learning does not settle in this game.
    gamma = 0.2
    agent = NashQConfig(alpha=1.0, gamma=gamma, state="observations", **EVERYWHERE)
    trainer = NashQTrainer(MPGGConfig(**GAME), agent, [0], 3000)
    trainer.advance(3000)
    learned = trainer.learned(0)
    places = [tuple(row) for row in learned["positions"].tolist()]
    # Observation slots: 0 the game phase, 7 the cooperators in the agent's casino.
    seen = learned["observations"]
    names = [("game", p) if s[0, 0] else ("move", p, *s[:, 7].tolist()) for p, s in zip(places, seen, strict=True)]
    assert len(set(names)) == len(names) == 4 + 14  # 14: 3 counts where both are in one casino, else 4
    worth = dict(zip(names, learned["worth"], strict=True))
    checked = 0
    for name, place, values in zip(names, places, learned["values"], strict=True):
        table = {}
        for joint in zip(*np.where(~np.isnan(values[0])), strict=True):
            if name[0] == "game":
                here = [sum(joint[j] for j in range(2) if place[j] == place[i]) for i in range(2)]
                expected = payoffs_of(place, joint) + gamma**0.5 * worth["move", place, *here]
            else:
                moved = tuple(place[i] if joint[i] == 0 else 1 - place[i] for i in range(2))
                expected = gamma**0.5 * worth["game", moved]
            np.testing.assert_allclose(values[(slice(None), *joint)], expected, atol=1e-9)
            table[joint] = expected.tolist()
            checked += 1
        # By the principle of one deviation it is an equilibrium of the whole game if it is one of every stage game.
        np.testing.assert_allclose(worth[name], equilibrium_of(table), atol=1e-9)
    assert checked == 4 * 18


def test_greedy_play_follows_the_equilibrium_of_each_casino() -> None:
    # With three rounds and the best casino worth going to, nobody defects alone, and nobody cooperates in company.
    agent = NashQConfig(alpha=1.0, horizon="finite", episodes=1000, **EVERYWHERE)
    trainer = NashQTrainer(MPGGConfig(**GAME), agent, [0], 3)
    trainer.advance(trainer.total_rounds)
    record = trainer.evaluate(30)
    assert (record.free_cooperators == record.free).all()
    assert ((record.cooperators == record.free_cooperators) | (record.largest == 1)).all()
    np.testing.assert_allclose(record.welfare, 0.21 + 0.9)  # alone in either casino, from the first round to the last
    assert (np.diff(record.welfare[0].reshape(10, 3), axis=0) == 0).all()  # ten episodes, one like the other
