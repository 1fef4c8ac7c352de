"""Trainings of Nash-DQN: bits of a resumed one, what it records, when it goes back or fails, and what it refuses."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from mpgg_agents.errors import TrainingError
from mpgg_agents.nash_dqn import rescue
from mpgg_agents.nash_dqn.config import NashDQNConfig
from mpgg_agents.nash_dqn.loading import load_policy
from mpgg_agents.nash_dqn.trainer import NashDQNTrainer
from mpgg_agents.threads import limited_threads
from mpgg_agents.training_record import TrainingRecord, snapshot_rounds
from mpgg_env.games.market.config import MarketConfig
from tests.support import exactly
from tests.tiny_nash_dqn import FULL, PAPER, TINY, UNLIKE, assert_equal, learner, state_of, through_a_file, trainer

pytestmark = pytest.mark.algorithm


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with limited_threads():
        yield


# Bits


@pytest.mark.parametrize("stop", [1, 2, 5, 7])
@pytest.mark.parametrize(
    ("game", "settings"),
    [
        (FULL, {}),
        (UNLIKE, {"target_every": 3, "returned": "best"}),
        (PAPER, {"returned": "last"}),
        (PAPER, {"data": "replay", "capacity": 31, "clock": "scalar"}),
    ],
    ids=["default", "unlike traders, best weights", "paper, last weights", "paper, replayed"],
)
def test_a_training_resumed_anywhere_has_the_same_bits(game: MarketConfig, settings: dict[str, Any], stop: int) -> None:
    whole, first, second = (trainer(game, **settings) for _ in range(3))
    record = whole.advance(8)
    beginning = first.advance(stop)
    second.advance(3)  # what it has done so far is forgotten
    second.restore(through_a_file(first.state_arrays()))
    joined = TrainingRecord.concatenate([beginning, second.advance(8 - stop)])
    assert_equal(whole.state_arrays(), second.state_arrays())
    assert_equal(record.measures, joined.measures)
    assert_equal(record.snapshots, joined.snapshots)
    assert joined.rounds == whole.rounds_done == second.rounds_done == 8


@pytest.mark.parametrize("data", ["fresh", "replay"])
def test_a_training_that_has_gone_back_is_resumed_to_the_same_bits(data: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rescue, "EVERY", 1)
    monkeypatch.setattr(rescue, "LOST", 1.0)
    whole, first, second = (trainer(data=data, averaging=0.1) for _ in range(3))
    record = whole.advance(8)
    counts = record.measures["rescues"]
    assert (np.diff(counts, axis=1) >= 0).all()
    assert 0 < counts[:, 3].max() < counts[:, -1].max()
    first.advance(4)
    second.restore(through_a_file(first.state_arrays()))
    assert_equal({name: array[:, 4:] for name, array in record.measures.items()}, second.advance(4).measures)
    assert_equal(whole.state_arrays(), second.state_arrays())


def test_a_replica_depends_on_its_own_seed_alone() -> None:
    both, again, one = trainer(seeds=(3, 4)), trainer(seeds=(3, 4)), trainer(seeds=(4,))
    for each in (both, again, one):
        each.advance(3)
    assert_equal(both.state_arrays(), again.state_arrays())
    assert_equal(both.learned(1), one.learned(0))
    for name, array in both.learned(0).items():
        assert not np.array_equal(array, both.learned(1)[name]), name


def test_learned_weights_are_a_copy() -> None:
    one = trainer()
    one.advance(1)
    before = one.learned(0)
    stored = {name: array.copy() for name, array in before.items()}
    one.advance(1)
    assert_equal(before, stored)


def test_stored_weights_are_the_policy() -> None:
    trainer = NashDQNTrainer(UNLIKE, NashDQNConfig(**{**TINY, "iterations": 2}), [5])
    trainer.advance(2)
    loaded = load_policy(UNLIKE, trainer.agent, trainer.learned(0))
    state = state_of(learner(UNLIKE))
    assert torch.equal(loaded(state), trainer.policy(0)(state))
    with pytest.raises(ValueError, match="the weights must be"):
        load_policy(UNLIKE, trainer.agent, {})


def test_torchs_own_generator_is_left_alone() -> None:
    before = torch.random.get_rng_state()
    NashDQNTrainer(FULL, NashDQNConfig(**{**TINY, "iterations": 2}), [0]).advance(2)
    assert torch.equal(before, torch.random.get_rng_state())


def test_the_number_of_threads_is_what_it_was_afterwards() -> None:
    before = torch.get_num_threads()
    seen = []

    def fail() -> None:
        with limited_threads(2):
            seen.append(torch.get_num_threads())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert [*seen, torch.get_num_threads()] == [2, before]


# Records


def test_records_tell_of_every_round_and_keep_policies_at_equal_distances() -> None:
    one = NashDQNTrainer(FULL, NashDQNConfig(**{**TINY, "noise": 2.0, "final_noise": 1.0}), [3, 4], snapshots=4)
    record = one.advance(5)
    assert set(record.measures) == {"value_loss", "advantage_loss", "mean_return", "exploration", "rescues"}
    assert all(array.shape == (2, 5) and array.dtype == np.float64 for array in record.measures.values())
    assert record.measures["exploration"][1] == pytest.approx([2 - k / 8 for k in range(5)])
    assert one.losses == {name: record.measures[name][:, -1].mean() for name in ("value_loss", "advantage_loss")}
    assert record.snapshots["snapshot_rounds"].tolist() == [[2, 4]] * 2
    rest = one.advance(3)
    assert rest.snapshots["snapshot_rounds"].tolist() == [[6, 8]] * 2
    for b in range(2):
        assert_equal(
            {name: a[b, -1] for name, a in rest.snapshots.items() if name != "snapshot_rounds"}, one.learned(b)
        )
    with pytest.raises(ValueError, match="records must have the same names to be joined"):
        TrainingRecord.concatenate([record, TrainingRecord(record.measures, {})])
    with pytest.raises(ValueError, match="records must have the same names to be joined"):
        TrainingRecord.concatenate([])


@pytest.mark.parametrize(
    ("total", "snapshots", "expected"),
    [
        (10, 0, []),
        (10, 1, [10]),
        (10, 3, [3, 6, 10]),
        (3, 10, [1, 2, 3]),
        (1, 1, [1]),
        (8000, 4, [2000, 4000, 6000, 8000]),
    ],
)
def test_when_policies_are_kept(total: int, snapshots: int, expected: list[int]) -> None:
    assert snapshot_rounds(total, snapshots) == expected


# Going back, and failing


@pytest.mark.parametrize("data", ["fresh", "replay"])
def test_a_training_that_runs_away_goes_back_with_smaller_steps_and_says_so(data: str) -> None:
    one = learner(iterations=400, data=data)
    for _ in range(200):
        one.iterate()
    copy, smoothed = {name: tensor.clone() for name, tensor in one._tensors().items()}, one.smoothed_loss
    rate = one.learning_rate
    with torch.no_grad():
        for parameter in one.networks.value.parameters():
            parameter.mul_(100)
    measures = one.iterate()
    assert measures["rescues"] == 1
    for name, tensor in one._tensors().items():
        assert torch.equal(tensor, copy[name]), name
    assert one.smoothed_loss == smoothed
    assert one.learning_rate == pytest.approx(0.7 * rate, rel=0.01)
    assert one.replay is None or one.replay.size == 0  # what was seen on the way out is forgotten


def test_it_goes_back_only_to_what_was_good_and_not_for_ever() -> None:
    tensors = {"x": torch.zeros(2)}
    one = rescue.Rescue(tensors)
    with pytest.raises(TrainingError, match="the losses of iteration 5 have run away"):
        rescue.Rescue(tensors).go_back(5)
    for loss, rounds_done, taken in [(1.0, 99, False), (3.0, 100, False), (2.0, 100, True), (2.1, 200, False)]:
        tensors["x"].fill_(rounds_done + loss)
        one.watch(loss, 1.0, rounds_done)
        assert (one.smoothed_loss == loss) == taken
    one.go_back(250)
    assert tensors["x"].tolist() == [102, 102]
    assert (one.count, one.step_share) == (1, pytest.approx(0.7))
    assert [one.is_lost(loss, 1.0) for loss in (20.0, 20.1, math.inf, math.nan)] == [False, True, True, True]
    for _ in range(19):
        one.go_back(251)
    with pytest.raises(TrainingError):
        one.go_back(252)


def test_a_training_with_too_large_steps_fails_and_says_what_to_try() -> None:
    with pytest.raises(
        TrainingError, match=r"^the losses of iteration \d+ have run away; try a smaller learning_rate$"
    ):
        trainer(learning_rate=1e30).advance(8)


# What is refused


def _replaced(name: str, array: Any) -> Callable[[dict[str, Any]], None]:
    return lambda arrays: arrays.update({name: array})


def _filled(name: str, value: float) -> Callable[[dict[str, Any]], None]:
    return lambda arrays: arrays[name].fill(value)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (_replaced("rounds_done", np.array(9)), r"rounds_done must be in \[0, 8\], got 9"),
        (_replaced("replica1.round", np.array(2)), "replica1.round must be rounds_done, got 2"),
        (_replaced("replica0.losses", np.array([1.0, 2.0])), "losses must be a smoothed one and its lowest so far"),
        (_replaced("replica0.losses", np.array([1.0, -2.0])), "losses must be a smoothed one and its lowest so far"),
        (_filled("replica0.target.main.layers.0.bias", math.inf), "target.main.layers.0.bias must be finite"),
        (_filled("replica1.advantage_moments.2.exp_avg", math.nan), "advantage_moments.2.exp_avg must be finite"),
        (_filled("replica0.advantage_moments.1.step", -1), "no mean of squares or number of steps negative"),
        (_filled("replica0.rescue.copy.value_moments.0.exp_avg_sq", -1), "no mean of squares or number of steps"),
        (_filled("replica0.rescue.smoothed_loss", math.nan), "a loss >= 0, got 0 and nan"),
        (_replaced("replica0.value.main.layers.0.bias", np.zeros(6)), "must be float32"),
        (_replaced("replica0.replay.rewards", np.zeros((2, 3), np.float32)), "replay.rewards must be 20 finite rows"),
        (_replaced("replica0.replay.own", np.zeros((20, 3, 4), np.float32)), "of another training"),
        (_replaced("replica0.replay.position", np.array(20)), "replay must be 20 of 20 decisions in order"),
        (_replaced("replica1.rescue.count", np.array(21)), r"count in \[0, 20\]"),
        (lambda arrays: arrays.pop("replica0.kept.main.layers.0.bias"), "of another training"),
        (_replaced("replica2.round", np.array(3)), "of another training"),
    ],
)
def test_a_damaged_checkpoint_is_refused(change: Callable[[dict[str, Any]], None], complaint: str) -> None:
    one = trainer(data="replay", capacity=20)
    one.advance(3)
    arrays = through_a_file(one.state_arrays())
    change(arrays)
    with pytest.raises(ValueError, match=complaint):
        trainer(data="replay", capacity=20).restore(arrays)


@pytest.mark.parametrize(
    "other",
    [{"hidden": (6, 4)}, {"clock": "scalar"}, {"phi": 0}, {"data": "replay"}],
    ids=str,
)
def test_a_checkpoint_of_other_networks_or_data_is_refused(other: dict[str, Any]) -> None:
    arrays = through_a_file(trainer().state_arrays())
    with pytest.raises(ValueError, match="of another training"):
        trainer(**other).restore(arrays)
    with pytest.raises(ValueError, match="of another training"):
        trainer(UNLIKE).restore(arrays)


def test_wrong_uses_of_the_trainer_are_refused() -> None:
    config = NashDQNConfig(**TINY)
    wrong: list[tuple[list[int], dict[str, Any], str]] = [
        ([], {}, "seeds must name at least one seed, got none"),
        ([0, -1], {}, f"seeds[1] must be in [0, {2**64 - 1}], got -1"),
        ([0], {"snapshots": -1}, "snapshots must be >= 0, got -1"),
        ([0], {"threads": 0}, "threads must be >= 1, got 0"),
    ]
    for seeds, options, text in wrong:
        with pytest.raises(ValueError, match=exactly(text)):
            NashDQNTrainer(FULL, config, seeds, **options)
    one = trainer()
    with pytest.raises(ValueError, match=exactly("rounds must be in [1, 8], got 9")):
        one.advance(9)
    one.advance(8)
    with pytest.raises(ValueError, match=exactly("the training of 8 rounds is finished")):
        one.advance(1)
