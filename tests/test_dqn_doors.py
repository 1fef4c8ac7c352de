"""The same bits through the PettingZoo interface and on the array engine, in parts, on threads and after a stop."""

import functools
import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import torch
from pettingzoo.utils import BaseParallelWrapper
from supersuit import frame_stack_v1

from mpgg_agents.dqn import DQNConfig, DQNTrainer, train
from mpgg_agents.errors import TrainingError
from mpgg_agents.record import Record
from mpgg_env import MPGGConfig, MPGGParallelEnv, parallel_env
from mpgg_env.games.mpgg.observation import upper_bounds
from tests.oracles.dqn_oracle import Seen, transitions_of
from tests.support import same

pytestmark = pytest.mark.algorithm

SMALL: dict[str, Any] = {"n_agents": 5, "grid_shape": (2, 3)}  # 5 is no multiple of 6: every agent's start is drawn
LEARNER: dict[str, Any] = {
    "hidden": (8,),
    "learning_rate": 0.01,
    "decay": 0.95,
    "capacity": 12,
    "batch_size": 8,
    "learning_starts": 4,
    "train_every": 2,
    "target_every": 5,
}
ALONE = {"sharing": "independent"}
OPTIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "torus": ({}, {}),
    "torus_independent": ({}, ALONE),
    "wall": ({"boundary": "wall", "obs_game": "m_n_nC"}, {"counts": "linear", "double": True, "tau": 0.5}),
    "mask": ({"boundary": "mask"}, {}),
    "mask_independent": ({"boundary": "mask"}, {**ALONE, "double": True, "gradient_steps": 2, "train_every": 3}),
    "mechanisms": (
        {"mechanism": [{"name": "capacity", "seats": 1}, {"name": "subsidy", "amount": 0.5}], "n_agents": 8},
        {"episodes": 2},
    ),
    "mask_moore": ({"boundary": "mask", "moves": "moore"}, {"identity": True}),
    "anywhere": ({"moves": "anywhere", "payoff": "code"}, {"previous_action": True, "previous_payoff": True}),
    "one_casino": ({"grid_shape": (1, 1)}, {"max_gradient_norm": 0.01}),
    "one_move": ({"grid_shape": (1, 1), "moves": "anywhere"}, ALONE),
    "frames": ({"boundary": "mask"}, {"frames": 3, "previous_action": True, "identity": True}),
    "frames_independent": ({}, {**ALONE, "frames": 2, "previous_payoff": True, "hidden": (6, 4)}),
    "episodes": ({"boundary": "mask"}, {"episodes": 3, "frames": 2, "previous_action": True}),
    "episodes_independent": ({"remainder": "drop", "n_agents": 13}, {**ALONE, "episodes": 2, "previous_payoff": True}),
}
PARTS = ("observations", "actions", "rewards", "next_observations")
ROUNDS, SEED = 30, 2**40 + 7  # both words of the key


def game_of(name: str) -> MPGGConfig:
    return MPGGConfig(**{**SMALL, **OPTIONS[name][0]})


def agent_of(name: str) -> DQNConfig:
    return DQNConfig(**{**LEARNER, **OPTIONS[name][1]})


def trainer_of(name: str, seeds: Sequence[int] = (SEED,), **options: Any) -> DQNTrainer:
    agent = agent_of(name)
    return DQNTrainer(game_of(name), agent, seeds, ROUNDS // agent.episodes, **{"window": 1, "threads": 1, **options})


def copied(arrays: dict[str, Any]) -> dict[str, Any]:
    return {name: np.array(array) for name, array in arrays.items()}


def of_replica(arrays: dict[str, Any], replica: int = 0) -> dict[str, Any]:
    start = f"replica{replica}."
    return {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}


def assert_same(left: dict[str, Any], right: dict[str, Any], what: str = "") -> None:
    assert left.keys() == right.keys(), what
    for name in left:
        assert same(np.asarray(left[name]), np.asarray(right[name])), f"{name} {what}"


def same_records(left: Record, right: Record) -> bool:
    return all(same(getattr(left, field.name), getattr(right, field.name)) for field in fields(Record))


class Spied(BaseParallelWrapper[str, Any, Any]):
    """Writes down what every agent sees in natural units, may do, does and gets."""

    def __init__(self, env: MPGGParallelEnv) -> None:
        super().__init__(env)
        self.episodes: list[list[Seen]] = []
        self._row: list[Any] = []

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        observations, infos = self.env.reset(seed=seed, options=options)
        self.episodes.append([])
        self._row = [np.stack(list(observations.values()))]
        return observations, infos

    def step(self, actions: dict[str, int]) -> Any:
        result = self.env.step(actions)
        observations, rewards, _, _, infos = result
        assert all(info["illegal"] == 0 for info in infos.values())
        seen, done = np.stack(list(observations.values())), np.array(list(actions.values()))
        if len(self._row) == 1:
            masks = np.stack([info["action_mask"] for info in infos.values()])
            self._row += [done, np.array(list(rewards.values())), seen, masks]
        else:
            self.episodes[-1].append(Seen(*self._row, done))
            self._row = [seen]
        return result


@functools.cache
def played(name: str) -> tuple[list[Any], list[dict[str, Any]], list[list[Seen]], Any]:
    """One run through the PettingZoo interface: results and arrays of every round, what was seen, and the board."""
    env = Spied(MPGGParallelEnv(game_of(name)))
    agent = agent_of(name)
    results, arrays = [], []
    for population, result in train(env, agent, ROUNDS // agent.episodes, SEED):
        results.append(result)
        arrays.append(copied(population.agents.arrays()))
    return results, arrays, env.episodes, env.unwrapped


@pytest.mark.parametrize("name", OPTIONS)
def test_trainer_equals_the_pettingzoo_interface(name: str) -> None:
    """Round by round: actions, payoffs, networks, optimisers, buffers; at the end the board and its generator."""
    results, arrays, _, env = played(name)
    trainer = trainer_of(name)
    assert len(results) == ROUNDS
    subsidies = 0
    for t, (result, expected) in enumerate(zip(results, arrays, strict=True)):
        record = trainer.advance(1)
        own = of_replica(trainer.state_arrays())
        assert_same({key: own[key] for key in expected}, expected, f"in round {t}")
        assert same(own["game.actions"], result.game_actions)
        assert same(own["move.actions"], result.moves)
        assert same(own["payoffs"], result.payoffs)
        assert record.cooperators[0, 0] == result.game_actions.sum()
        assert record.welfare[0, 0] == result.payoffs.sum()
        paid = 2 * (record.welfare[0, 0] - record.gross[0, 0])  # the number of subsidies, which are all of 1/2
        assert paid == pytest.approx(round(paid), abs=1e-9)
        assert record.sponsor[0, 0] == round(paid) / 2
        assert 0 <= round(paid) <= record.cooperators[0, 0] * (name == "mechanisms")
        subsidies += round(paid)
        moved = np.bincount(result.moves, minlength=game_of(name).n_moves)
        np.testing.assert_array_equal(record.casino_moves.sum(axis=(0, 1, 2)), moved)
    assert (subsidies > 0) == (name == "mechanisms")
    assert same(trainer.positions[0], env.positions)
    generator = json.loads(bytes(trainer.state_arrays()["replica0.generator"]))
    assert generator == env.np_random.bit_generator.state
    assert any((arrays[-1][key] != arrays[0][key]).any() for key in arrays[0] if key.startswith("Q_M.online"))


@pytest.mark.parametrize("name", OPTIONS)
def test_buffers_hold_the_transitions_that_were_played(name: str) -> None:
    """Recomputed from what the environment showed: a move is paid by the next round's game, and ends pend never."""
    _, arrays, episodes, _ = played(name)
    game, agent = game_of(name), agent_of(name)
    options = {**OPTIONS[name][1], "restricted": game.boundary == "mask" or game.n_moves < 2}
    assert [len(rounds) for rounds in episodes] == [ROUNDS // agent.episodes] * agent.episodes
    for player in range(game.n_players):
        kinds = transitions_of(episodes, player, upper_bounds(game).tolist(), options)
        for networks, expected in zip(("Q_G", "Q_M"), kinds, strict=True):
            own = {part: arrays[-1][f"{networks}.replay.{part}"][:, player] for part in PARTS}
            # The newest transition takes the place of the oldest.
            assert len(expected) == ROUNDS - agent.episodes > agent.capacity == len(own["rewards"])
            for number in range(len(expected) - agent.capacity, len(expected)):
                row = [own[part][number % agent.capacity] for part in PARTS]
                for mine, theirs in zip(row, expected[number], strict=True):
                    np.testing.assert_allclose(mine.squeeze(), np.squeeze(theirs), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("sharing", ["shared", "independent"])
def test_gradient_steps_and_target_updates_come_when_they_are_due(sharing: str) -> None:
    """After round t a buffer has t - 1 transitions of each agent: 4 of them from round 5 on, and every third learns."""
    due = {"train_every": 3, "gradient_steps": 2, "learning_starts": 4, "target_every": 5}
    agent = DQNConfig(**{**LEARNER, **due, "sharing": sharing})
    steps: dict[str, list[int]] = {"Q_G": [], "Q_M": []}
    moved: dict[str, list[int]] = {"Q_G": [], "Q_M": []}
    before: dict[str, Any] = {}
    for t, (population, _) in enumerate(train(parallel_env(**SMALL), agent, 12, 0), start=1):
        now = copied(population.agents.arrays())
        for networks in ("Q_G", "Q_M"):
            steps[networks].append(int(now[f"{networks}.optimizer.0.step"]))
            target = [name for name in now if name.startswith(f"{networks}.target")]
            moved[networks] += [t] if before and any((now[name] != before[name]).any() for name in target) else []
        before = now
    assert steps["Q_G"] == steps["Q_M"] == [0, 0, 0, 0, 0, 2, 2, 2, 4, 4, 4, 6]
    assert moved["Q_G"] == moved["Q_M"] == [10]


@pytest.mark.parametrize("wrap", [lambda env: frame_stack_v1(env, 3), lambda env: frame_stack_v1(Spied(env), 3)])
def test_observations_that_the_user_has_stacked_are_frames(wrap: Any) -> None:
    game, agent = game_of("frames"), agent_of("frames")
    *_, (population, _) = train(wrap(MPGGParallelEnv(game)), agent.replace(frames=1), ROUNDS, SEED)
    weights = population.agents.weights()
    assert_same(weights, {name: played("frames")[1][-1][name] for name in weights})


@pytest.mark.parametrize("name", ["mask", "mask_independent", "episodes"])
def test_parts_threads_and_company_change_nothing(name: str) -> None:
    seeds = [SEED, 0, 2**64 - 1]
    whole = trainer_of(name, seeds, window=10)
    record, arrays = whole.advance(30), copied(whole.state_arrays())
    for threads in (2, 3):
        again = trainer_of(name, seeds, window=10, threads=threads)
        assert same_records(Record.concatenate([again.advance(10), again.advance(20)]), record)
        assert_same(again.state_arrays(), arrays)
    for b, seed in enumerate(seeds):
        alone = trainer_of(name, [seed], window=10)
        np.testing.assert_array_equal(alone.advance(30).welfare[0], record.welfare[b])
        assert_same(of_replica(alone.state_arrays()), of_replica(arrays, b))
        assert_same(alone.networks(0), whole.networks(b))
    assert len({tuple(welfare) for welfare in record.welfare}) == len(seeds)
    assert same_records(trainer_of(name, seeds, window=10).advance(30), record)


@pytest.mark.parametrize("name", OPTIONS)
def test_a_restored_training_goes_on_with_the_same_bits(name: str) -> None:
    """Stopped before the networks learn, in the middle, at the end of an episode, and at the end."""
    whole = trainer_of(name)
    record = whole.advance(ROUNDS)
    arrays, greedy = copied(whole.state_arrays()), whole.evaluate(5)
    for stop in (1, 15, 17, ROUNDS):
        first, second = trainer_of(name), trainer_of(name)
        parts = [first.advance(stop)]
        stored = copied(first.state_arrays())
        first.advance(ROUNDS - stop) if stop < ROUNDS else first.evaluate(3)  # must not reach into what was stored
        second.restore(stored)
        assert second.rounds_done == stop
        assert_same(second.state_arrays(), stored)
        parts += [second.advance(ROUNDS - stop)] if stop < ROUNDS else []
        assert same_records(Record.concatenate(parts), record)
        assert_same(second.state_arrays(), arrays)
        assert same_records(second.evaluate(5), greedy)


@pytest.mark.parametrize("name", ["torus_independent", "mask", "frames"])
def test_evaluation_learns_and_explores_nothing(name: str) -> None:
    trainer = trainer_of(name)
    trainer.advance(ROUNDS)
    before = of_replica(copied(trainer.state_arrays()))
    assert trainer.epsilon > 0
    trainer.evaluate(12)
    assert trainer.epsilon == 0
    after = of_replica(trainer.state_arrays())
    learned = [key for key in before if key.startswith(("Q_G", "Q_M"))]
    assert any("replay" in key for key in learned)
    assert any("optimizer" in key for key in learned)
    assert_same({key: after[key] for key in learned}, {key: before[key] for key in learned})


def test_no_global_generator_or_setting_is_touched() -> None:
    def states() -> tuple[str, bytes]:
        return repr(np.random.get_state(legacy=True)), torch.get_rng_state().numpy().tobytes()

    before, threads = states(), torch.get_num_threads()
    torch.set_num_threads(3)  # no number that the trainer would choose
    for name in ("mask", "torus_independent", "frames"):
        trainer = trainer_of(name)
        trainer.advance(ROUNDS)
        trainer_of(name).restore(trainer.state_arrays())
        trainer.evaluate(2)
        list(train(parallel_env(**SMALL), agent_of(name), 12, 3))
    assert states() == before
    assert torch.get_num_threads() == 3
    torch.set_num_threads(threads)
    np.random.random()
    torch.rand(1)
    assert all(now != then for now, then in zip(states(), before, strict=True))  # the comparison notices one draw


def test_a_masked_game_executes_no_illegal_action() -> None:
    """In 300 rounds in corners, exploring and greedy, on the array engine; the spy above says it of the other door."""
    for sharing in ("shared", "independent"):
        game = MPGGConfig(n_agents=6, grid_shape=(2, 2), boundary="mask")
        trainer = DQNTrainer(game, DQNConfig(**{**LEARNER, "sharing": sharing, "eps_min": 0.5}), [1], 100)
        engine = trainer._replicas[0].engine
        engine.strict = True
        record = trainer.advance(100)
        record = Record.concatenate([record, trainer.evaluate(100)])
        assert not engine.illegal.any()
        moves = record.casino_moves.sum(axis=(0, 1))
        # Row 0 is the lower one: no down in casinos 0 and 1, no up in 2 and 3, no left in 0 and 2, no right in 1 and 3.
        for casino, off in ((0, (2, 3)), (1, (2, 4)), (2, (1, 3)), (3, (1, 4))):
            assert not moves[casino, list(off)].any()
        assert moves.sum() == 6 * 200


@pytest.mark.parametrize("sharing", ["shared", "independent"])
def test_a_training_that_diverges_stops_with_an_error(sharing: str) -> None:
    agent = DQNConfig(**{**LEARNER, "sharing": sharing, "learning_rate": 1e30, "hidden": (8, 8)})
    text = r"the loss of Q_[GM] is (nan|inf) in round \d+ of seed 3: the training has diverged; a smaller learning_rate"
    trainer = DQNTrainer(MPGGConfig(**SMALL), agent, [3], 200)
    with pytest.raises(TrainingError, match=text):
        trainer.advance(200)
    with pytest.raises(TrainingError, match=text):
        list(train(parallel_env(**SMALL), agent, 200, 3))


@pytest.mark.parametrize("sharing", ["shared", "independent"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_not_stored(sharing: str, value: float) -> None:
    *_, (population, _) = train(parallel_env(**SMALL), DQNConfig(**{**LEARNER, "sharing": sharing}), 3, 3)
    weights = copied(population.agents.weights())
    name = next(key for key in weights if key.startswith("Q_M.online"))
    weights[name].flat[-1] = value
    population.agents.load_weights(weights)
    with pytest.raises(TrainingError, match="a weight of Q_M is not finite in round 3 of seed 3"):
        population.agents.arrays()


def test_weights_of_other_networks_are_refused() -> None:
    *_, (population, _) = train(parallel_env(**SMALL), DQNConfig(**LEARNER), 3, 3)
    agents, weights = population.agents, copied(population.agents.weights())
    agents.load_weights({name: array * 0 + 2 for name, array in weights.items()})
    assert all((array == 2).all() for array in agents.weights().values())
    name = next(iter(weights))
    for wrong in ({**weights, name: weights[name][:-1]}, {**weights, "Q_G.more": weights[name]}, {}):
        with pytest.raises(ValueError, match="the weights are of other networks"):
            agents.load_weights(wrong)


TAMPERED: dict[str, tuple[Any, str]] = {
    "rounds_done": (31, r"rounds_done must be in \[0, 30\], got 31"),
    "replica0.round": (-1, "round must be"),
    "replica0.positions": (6, "positions"),
    "replica0.last_actions": (2, "last_actions"),
    "replica0.game.actions": (2, r"actions must be in \[0, 1\]"),
    "replica0.move.actions": (5, r"actions must be in \[0, 4\]"),
    "replica0.Q_G.replay.actions": (2, r"actions must be in \[0, 1\]"),
    "replica0.Q_M.replay.actions": (-1, r"actions must be in \[0, 4\]"),
    "replica0.Q_G.replay.counters": (12, "counters"),
    "replica0.Q_M.replay.counters": (-1, "counters"),
    "replica0.Q_G.optimizer.0.step": (-5, "must be the state of Adam after as many steps as batches"),
    "replica0.Q_G.optimizer.1.exp_avg_sq": (-1, "must be the state of Adam"),
    "replica0.generator": (0, "generator"),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_restore_refuses_values_out_of_range(name: str) -> None:
    source = trainer_of("mask")
    source.advance(20)
    arrays = copied(source.state_arrays())
    trainer_of("mask").restore(arrays)
    value, text = TAMPERED[name]
    key = next(key for key in arrays if key.startswith(name))
    arrays[key].flat[0] = value
    with pytest.raises(ValueError, match=text):
        trainer_of("mask").restore(arrays)


@pytest.mark.parametrize("part", ["Q_G.online", "Q_M.target", "Q_G.optimizer.0.exp_avg", "Q_M.replay.rewards"])
def test_restore_refuses_numbers_that_are_not_finite(part: str) -> None:
    source = trainer_of("mask")
    source.advance(20)
    arrays = copied(source.state_arrays())
    key = next(key for key in arrays if key.startswith(f"replica0.{part}"))
    arrays[key][...] = np.nan
    trainer = trainer_of("mask")
    with pytest.raises(ValueError, match=rf"^{part[:3]}\S+ must hold finite numbers$"):
        trainer.restore(arrays)


@pytest.mark.parametrize("text", ["{", "5", "{}", '{"bit_generator": "MT19937"}'])
def test_restore_refuses_a_generator_that_is_none(text: str) -> None:
    source = trainer_of("mask")
    arrays = {**source.state_arrays(), "replica0.generator": np.frombuffer(text.encode(), np.uint8)}
    with pytest.raises(ValueError, match="generator"):
        trainer_of("mask").restore(arrays)


@pytest.mark.parametrize(
    "part",
    ["rounds_done", "positions", "round", "waits", "inputs", "counters", "rewards", "online", "exp_avg", "frames"],
)
def test_restore_refuses_other_names_types_and_shapes(part: str) -> None:
    source = trainer_of("mask_independent")
    source.advance(20)
    arrays = copied(source.state_arrays())
    key = next(key for key in arrays if part in key)
    missing = {name: array for name, array in arrays.items() if name != key}
    retyped = {**arrays, key: arrays[key].astype(np.complex64)}
    reshaped = {**arrays, key: arrays[key][..., None]}
    longer = {**arrays, key: np.concatenate([np.atleast_1d(arrays[key])] * 2)}
    for wrong in (missing, {**arrays, "replica1.positions": arrays[key]}, retyped, reshaped, longer):
        with pytest.raises(ValueError, match=r"another training|rows|counters"):
            trainer_of("mask_independent").restore(wrong)


def test_restore_refuses_the_arrays_of_another_training() -> None:
    source = trainer_of("torus")
    source.advance(20)
    others = [trainer_of("mask"), trainer_of("torus_independent"), trainer_of("frames"), trainer_of("torus", [1, 2])]
    for other in others:
        before = copied(other.state_arrays())
        with pytest.raises(ValueError, match="of another training"):
            other.restore(source.state_arrays())
        assert_same(other.state_arrays(), before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seeds": []}, "seeds must name at least one seed"),
        ({"seeds": [-1]}, r"seeds\[0\] must be in \[0, 18446744073709551615\], got -1"),
        ({"seeds": [0, 2**64]}, r"seeds\[1\] must be in \[0, 18446744073709551615\], got 18446744073709551616"),
        ({"rounds": 0}, "rounds must be >= 1, got 0"),
        ({"window": 0}, "window must be >= 1, got 0"),
        ({"threads": 0}, "threads must be >= 1, got 0"),
    ],
)
def test_trainer_refuses_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {"config": MPGGConfig(**SMALL), "agent": DQNConfig(), "seeds": [0], "rounds": 10}
    with pytest.raises(ValueError, match=message):
        DQNTrainer(**{**good, **arguments})


def test_train_refuses_bad_arguments() -> None:
    for arguments, message in (
        ((0, 1), "rounds must be >= 1, got 0"),
        ((5, -1), "seed must be in"),
        ((5, 2**64), "seed must be in"),
    ):
        with pytest.raises(ValueError, match=message):
            next(train(parallel_env(**SMALL), DQNConfig(), *arguments))


def test_trainer_refuses_calls_out_of_order() -> None:
    trainer = DQNTrainer(MPGGConfig(**SMALL), DQNConfig(**LEARNER), [0], 25, window=10)
    with pytest.raises(ValueError, match="train all 25 rounds before you evaluate, got 0"):
        trainer.evaluate(10)
    with pytest.raises(ValueError, match=r"rounds must be in \[1, 25\], got 26"):
        trainer.advance(26)
    trainer.advance(25)
    with pytest.raises(ValueError, match="the training of 25 rounds is finished"):
        trainer.advance(1)
