"""Nash Q-learning through all doors: any environment, the trainer, checkpoints, the command; the same bits."""

import json

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from mpgg_agents.cli import main
from mpgg_agents.errors import MissingExtraError, TrainingError
from mpgg_agents.experiments import load_run
from mpgg_agents.nash_q import NashQConfig, NashQPopulation, NashQTrainer, load_population, train
from mpgg_agents.nash_q.learned import restore_learned
from mpgg_agents.nash_q.rules import drawn_action, learning_rate
from mpgg_env import Capacity, Fine, MaskInObs, MPGGConfig, MPGGParallelEnv, PeerPunishment, parallel_env
from tests.grid_games import GridGame, MatrixGame, grid_game_1
from tests.support import exactly, same

GAMES = {
    "masked board": ({"n_agents": 2, "grid_shape": (1, 2), "boundary": "mask"}, {}),
    "torus": ({"n_agents": 2, "grid_shape": (2, 2)}, {"alpha": 0.3, "selection": "social"}),
    "three agents, code payoff": (
        {"n_agents": 3, "grid_shape": (1, 2), "boundary": "mask", "payoff": "code", "gain_range": (1.2, 2.5)},
        {"state": "observations", "selection": "risk_dominant"},
    ),
    "episodes that end": (
        {"n_agents": 2, "grid_shape": (1, 2), "moves": "anywhere"},
        {"horizon": "finite", "episodes": 4, "alpha": 1.0},
    ),
    "episodes that are cut": (
        {"n_agents": 3, "grid_shape": (1, 2), "remainder": "random", "boundary": "wall"},
        {"episodes": 3, "alpha_power": 0.7, "obs": None},
    ),
    "mechanisms and a draw of seats": (
        {
            "n_agents": 3,
            "grid_shape": (1, 2),
            "boundary": "mask",
            "mechanism": (Fine(amount=0.3), Capacity(seats=2), PeerPunishment(punishment=0.1, cost=0.05)),
        },
        {"episodes": 2},
    ),
}


def of_game(name):
    game, agent = GAMES[name]
    return MPGGConfig(**game), NashQConfig(decay=0.98, **{key: value for key, value in agent.items() if key != "obs"})


def small(rounds=40, seeds=(3, 8), name="masked board", **changes):
    game, agent = of_game(name)
    return NashQTrainer(game, agent.replace(**changes), list(seeds), rounds, window=15)


@pytest.mark.parametrize("name", GAMES)
def test_every_learner_has_the_tables_of_the_trainer_bit_for_bit(name) -> None:
    game, agent = of_game(name)
    rounds, seed = 40, 8
    trainer = NashQTrainer(game, agent, [3, seed], rounds, window=15)
    record = trainer.advance(trainer.total_rounds)
    results = list(train(MPGGParallelEnv(game), agent, rounds, seed))
    population = results[-1][0]
    shared = trainer.tables(1).arrays()
    assert len(shared["values"]) > 50
    for learner in population.agents:
        assert learner.tables is population.agents[learner.index].tables
        assert same(learner.tables.arrays(), shared)
    assert len({id(learner.tables) for learner in population.agents}) == game.n_players
    games = [result for _, result in results][::2]
    assert [result.actions.sum() for result in games] == record.cooperators[1].tolist()
    assert [result.rewards.sum() for result in games] == record.welfare[1].tolist()
    assert sum(result.ended for _, result in results) == agent.episodes


@pytest.mark.parametrize(
    "name", ["masked board", "episodes that end", "episodes that are cut", "mechanisms and a draw of seats"]
)
@pytest.mark.parametrize("cut", [1, 17, 40, 100])
def test_a_restored_trainer_goes_on_with_the_same_bits(name, cut) -> None:
    whole = small(name=name, episodes=4)
    whole.advance(whole.total_rounds)
    half = small(name=name, episodes=4)
    half.advance(cut)
    rest = small(name=name, episodes=4)
    rest.restore(half.state_arrays())
    assert rest.rounds_done == cut
    rest.advance(rest.total_rounds - cut)
    assert same(rest.state_arrays(), whole.state_arrays())
    assert same(vars_of(rest.evaluate(30)), vars_of(whole.evaluate(30)))


def test_punishment_is_welfare_that_the_games_have_produced_and_lost() -> None:
    record = small(name="mechanisms and a draw of seats").advance(80)
    lost = record.gross - record.welfare
    assert (lost > -1e-12).all()
    assert lost.max() == pytest.approx(0.15)  # a player who punishes and one who is punished, as two play at most


def vars_of(record):
    return {name: getattr(record, name) for name in record.__slots__}


def test_single_greedy_rounds_are_those_of_a_whole_evaluation() -> None:
    whole, single = (small(name="mechanisms and a draw of seats") for _ in range(2))
    for trainer in (whole, single):
        trainer.advance(trainer.total_rounds)
    positions = single.positions
    rounds = [single.evaluate_round() for _ in range(15)]
    record = whole.evaluate(15)
    games = [games for _, games in rounds]
    assert (games[0].positions == positions).all()
    assert [game.actions.sum(axis=1).tolist() for game in games] == record.cooperators.T.tolist()
    np.testing.assert_array_equal(np.stack([game.payoffs.sum(axis=1) for game in games], axis=1), record.welfare)


def test_records_do_not_depend_on_the_chunks() -> None:
    whole, pieces = small(), small()
    first = whole.advance(40)
    seconds = [pieces.advance(rounds) for rounds in (7, 8, 25)]
    joined = type(first).concatenate(seconds, 15)
    assert same(vars_of(first), vars_of(joined))


def test_seeds_matter_and_nothing_is_learned_without_training() -> None:
    trainer = small(alpha=1.0)
    trainer.advance(40)
    assert not same(trainer.tables(0).arrays(), trainer.tables(1).arrays())
    before = trainer.tables(0).arrays()
    trainer.evaluate(50)
    assert same(trainer.tables(0).arrays(), before)
    with pytest.raises(ValueError, match=exactly("the training of 40 rounds is finished")):
        trainer.advance(1)


def test_what_is_learned_is_told_in_full() -> None:
    trainer = small(rounds=300, seeds=[0])
    trainer.advance(300)
    learned = trainer.learned(0)
    assert learned["visits"].sum() == 600
    legal = ~np.isnan(learned["values"])
    np.testing.assert_allclose(learned["strategies"].sum(axis=2), 1)
    assert (legal[:, 0].sum(axis=(1, 2)) == 4).all()  # two actions each, in the game and on a board of two casinos
    game_phase = learned["states"][:, 0] == 1
    assert (learned["observations"][:, :, 0] == game_phase[:, None]).all()
    occupancy = np.array([np.bincount(row, minlength=2) for row in learned["positions"]])
    assert (occupancy == learned["states"][:, 2:4]).all()
    played = np.einsum(
        "sab,sa,sb->s", np.nan_to_num(learned["values"][:, 1]), *learned["strategies"].transpose(1, 0, 2)
    )
    np.testing.assert_allclose(played, learned["worth"][:, 1], atol=1e-12)


def test_illegal_actions_are_in_no_stage_game() -> None:
    env = MPGGParallelEnv(
        MPGGConfig(n_agents=2, grid_shape=(2, 2), boundary="mask"), strict=True
    )  # refuses illegal ones
    population = [population for population, _ in train(env, NashQConfig(alpha=0.5), 200, 0)][-1]
    legal = {stage.legal for stage in population.agents[0].tables.stages.values()}
    assert ((0, 1), (0, 1)) in legal
    assert any(len(own[0]) == 3 for own in legal)
    assert env.engine.illegal.sum() == 0


def test_the_end_by_the_rules_is_worth_nothing_and_a_time_limit_is_bootstrapped() -> None:
    values = {}
    for horizon in ("infinite", "finite"):
        config = NashQConfig(alpha=1.0, gamma=0.5, horizon=horizon, episodes=30)
        env = MatrixGame([[[1, 1], [1, 1]], [[1, 1], [1, 1]]])
        population = [population for population, _ in train(env, config, 2, 0)][-1]
        values[horizon] = [stage.worth[0] for stage in population.agents[0].tables.stages.values()]
    # One round for ever: 1 + 1/2 + 1/4 + ... Two rounds: 1 + 1/2, then 1.
    assert values["infinite"] == pytest.approx([2], abs=1e-6)
    assert values["finite"] == [1.5, 1]
    env = grid_game_1()
    population = NashQPopulation(env, NashQConfig(alpha=1.0), 0)
    population.begin_episode(0)
    while not (result := population.play_step()).ended:
        pass
    assert result.rewards.max() == 100
    assert max(stage.values.max() for stage in population.agents[0].tables.stages.values()) == 100


def test_rates_and_draws() -> None:
    assert [learning_rate(None, 1.0, visit) for visit in (1, 2, 4)] == [1, 0.5, 0.25]
    assert learning_rate(None, 0.5, 4) == 0.5
    assert learning_rate(0.2, 1.0, 9) == 0.2
    strategy = np.array([0.25, 0.0, 0.75])
    words = [0, 2**30 - 1, 2**30, 2**32 - 1]
    assert [drawn_action(strategy, 3, word) for word in words] == [0, 0, 2, 2]
    quarters = np.array([0.5, 0.25, 0.25])
    assert [drawn_action(quarters, 3, int(share * 2**32)) for share in (0.49, 0.51, 0.74, 0.76)] == [0, 1, 1, 2]
    assert drawn_action(np.array([1 / 3, 1 / 3, 1 / 3 - 1e-12, 0.0]), 4, 2**32 - 1) == 2


def test_exploration_is_per_round_of_two_steps() -> None:
    trainer = small(rounds=10, seeds=[0])
    trainer.advance(5)
    assert trainer.epsilon == pytest.approx(0.98**5)


REFUSED = {
    "one agent": (
        {"n_agents": 1, "grid_shape": (1, 2)},
        "n_agents must be in [2, 4] with agent 'nash_q', got 1: a stage",
    ),
    "five agents": (
        {"n_agents": 5, "grid_shape": (1, 2)},
        "n_agents must be in [2, 4] with agent 'nash_q', got 5: every state costs 5 tables of 3,125 joint actions",
    ),
    "the default game": (
        {},
        "n_agents must be in [2, 4] with agent 'nash_q', got 150: every state costs 150 tables of 10^1",
    ),
    "many moves": (
        {"n_agents": 4, "moves": "anywhere"},
        "joint actions must be at most 10,000 with agent 'nash_q', got 390,625: every state costs 4 tables",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_games_that_are_too_large(name) -> None:
    game, message = REFUSED[name]
    with pytest.raises(ValueError, match=exactly(message)[:-1]):
        NashQTrainer(MPGGConfig(**game), NashQConfig(), [0], 10)


def test_three_agents_need_quantecon_before_they_begin(monkeypatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "quantecon.game_theory", None)
    monkeypatch.setitem(sys.modules, "quantecon", None)
    with pytest.raises(MissingExtraError, match="more than two agents needs quantecon"):
        small(name="three agents, code payoff")
    small().advance(1)


class Leaving(GridGame):
    def step(self, actions):
        seen, rewards, terminated, truncated, infos = super().step(actions)
        return seen, rewards, {**terminated, "one": True}, truncated, infos


class Continuous(MatrixGame):
    def action_space(self, agent):
        return Box(0, 1, (1,))


class Shifted(MatrixGame):
    def action_space(self, agent):
        return Discrete(2, start=1)


def test_environments_that_do_not_fit() -> None:
    game = np.zeros((2, 2, 2))
    for env in (Continuous(game), Shifted(game)):
        with pytest.raises(ValueError, match=r"^env must have Discrete action spaces that start at 0, got"):
            NashQPopulation(env, NashQConfig(), 0)
    with pytest.raises(ValueError, match=r"^env must end for all agents at once"):
        list(train(Leaving((8, 6)), NashQConfig(), 5, 0))
    with pytest.raises(
        ValueError, match=r"^the observation of agent_0 must be numbers or an array of numbers, got dict"
    ):
        list(train(MaskInObs(parallel_env(n_agents=2, grid_shape=(1, 2))), NashQConfig(), 5, 0))
    with pytest.raises(RuntimeError, match=r"^call begin_episode"):
        NashQPopulation(MatrixGame(game), NashQConfig(), 0).play_step()


def test_values_that_are_no_longer_finite_stop_the_training() -> None:
    game = np.full((2, 2, 2), 1.7e308)
    with pytest.raises(
        TrainingError, match=r"^a Q value of agent 0 is inf, from reward 1.7e\+308 and value 1.7e\+308$"
    ):
        list(train(MatrixGame(game), NashQConfig(alpha=1.0, gamma=1.0), 5, 0))


CONFIGS = {
    "alpha": (0, "alpha must be in (0, 1], got 0"),
    "alpha_power": (1.5, "alpha_power must be in (0, 1], got 1.5"),
    "gamma": (-0.1, "gamma must be in [0, 1], got -0.1"),
    "selection": (
        "socal",
        "selection must be one of 'first', 'social', 'risk_dominant', got 'socal'; did you mean 'social'?",
    ),
    "horizon": ("long", "horizon must be one of 'infinite', 'finite', got 'long'"),
    "state": ("none", "state must be one of 'all', 'observations', got 'none'"),
    "episodes": (0, "episodes must be >= 1, got 0"),
}


@pytest.mark.parametrize("field", CONFIGS)
def test_bad_hyper_parameters(field) -> None:
    value, message = CONFIGS[field]
    with pytest.raises(ValueError, match=exactly(message)):
        NashQConfig(**{field: value})


def test_the_configuration_comes_back_from_json() -> None:
    config = NashQConfig(alpha=0.2, selection="social", horizon="finite")
    assert NashQConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


KEY = 180  # bytes: six numbers of state(), two observations of eight, two masks of two actions
FORGED = {
    "another key length": ("replica0.tables.keys", lambda array: array[:-1], "keys must have"),
    "a state twice": (
        "replica0.tables.keys",
        lambda array: np.tile(array[:KEY], len(array) // KEY),
        "states must be distinct",
    ),
    "no counts": ("replica0.tables.counts", lambda array: array * 0, "counts must be in"),
    "an action that is none": ("replica0.tables.legal", lambda array: array + 9, "legal actions must be distinct"),
    "infinite values": ("replica0.tables.values", lambda array: array + np.inf, "values must be finite"),
    "too few values": ("replica0.tables.values", lambda array: array[1:], "values must have"),
    "negative visits": ("replica0.tables.visits", lambda array: array - 9999, "values must be finite and visits"),
    "a casino that is none": ("replica0.positions", lambda array: array + 7, "positions must be in"),
    "another round": ("replica1.rounds_done", lambda array: array + 1, "replica1.rounds_done must be rounds_done"),
    "another type": ("replica1.tables.visits", lambda array: array * 1.0, "replica1.tables.visits must be int64"),
    "a generator that is none": ("replica0.generator", lambda array: array[3:], "generator must be"),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_checkpoints_are_refused(name) -> None:
    trainer = small(name="episodes that end", horizon="infinite")
    trainer.advance(30)
    arrays = trainer.state_arrays()
    part, forge, message = FORGED[name]
    arrays[part] = forge(arrays[part])
    with pytest.raises(ValueError, match=f"^{message}"):
        small(name="episodes that end", horizon="infinite").restore(arrays)


RUN = ["train", "--agent", "nash_q", "--rounds", "300", "--seeds", "0:2", "--window", "50", "--quiet", "--no-figures"]


def test_a_run_and_its_resumption_end_with_the_same_results(tmp_path) -> None:
    from mpgg_agents.experiments.run import new_session

    straight, broken = tmp_path / "straight", tmp_path / "broken"
    assert main([*RUN, "--out", str(straight)]) == 0
    run = load_run(straight)
    with new_session(run.config, broken) as session:  # as a kill leaves it after its first checkpoint
        session._records.append(session.trainer.advance(120))
        session._checkpoint()
    assert main(["train", "--resume", str(broken), "--quiet"]) == 0
    assert load_run(broken).manifest["results_checksum"] == run.manifest["results_checksum"]
    assert main(["info", str(straight)]) == 0


@pytest.mark.parametrize("flags", [[], ["--horizon", "finite", "--rounds", "4", "--episodes", "60", "--state", "all"]])
def test_learners_of_a_run_play_again(flags, tmp_path) -> None:
    assert main([*RUN, *flags, "--out", str(tmp_path / "run")]) == 0
    run = load_run(tmp_path / "run")
    population = load_population(run, 1)
    trainer = NashQTrainer(run.config.game, run.config.agent, [1], run.config.run.rounds)
    trainer.advance(trainer.total_rounds)
    restored, live = population.agents[0].tables.arrays(), trainer.tables(0).arrays()
    assert len(live["values"]) > 50
    assert same(restored, live)
    population.begin_episode(seed=4)
    for _ in range(8):
        assert population.play_step().rewards.shape == (2,)
    assert same(population.agents[0].tables.arrays(), live)
    with pytest.raises(ValueError, match=exactly("seed must be one of 0, 1, got 7")):
        load_population(run, 7)


def test_learned_arrays_that_do_not_fit_are_refused() -> None:
    trainer = small(seeds=[0])
    trainer.advance(30)
    learned, population = (
        trainer.learned(0),
        NashQPopulation(MPGGParallelEnv(of_game("masked board")[0]), NashQConfig(), 0),
    )
    restore_learned(population, learned)
    holes, infinite = learned["values"].copy(), learned["values"] * 1.0
    holes[0, 0, 0, 0], infinite[0, 1, 0, 0] = np.nan, np.inf
    for wrong in (
        {"values": learned["values"][:, :1]},
        {"values": holes},
        {"values": infinite},
        {"visits": holes[:, 0, 0]},
    ):
        with pytest.raises(ValueError, match=r"^values must"):
            restore_learned(NashQPopulation(population.env, NashQConfig(), 0), {**learned, **wrong})


def test_a_game_that_is_too_large_is_bad_input(tmp_path, capsys) -> None:
    assert main([*RUN, "--n-agents", "150", "--out", str(tmp_path / "run")]) == 2
    assert "n_agents must be in [2, 4] with agent 'nash_q', got 150" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
