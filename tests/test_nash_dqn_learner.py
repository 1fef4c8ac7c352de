"""The steps of Nash-DQN against sums written out, its buffer, schedules, records, and what it refuses."""

import io
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from mpgg_agents.errors import TrainingError
from mpgg_agents.market_record import MarketRecord, snapshot_rounds
from mpgg_agents.market_response.episodes import draw_episodes, generator
from mpgg_agents.nash_dqn import rescue
from mpgg_agents.nash_dqn.config import NashDQNConfig
from mpgg_agents.nash_dqn.episodes import Transitions, draw_exploration
from mpgg_agents.nash_dqn.learner import Learner, episodes_per_iteration, psi_penalty, traces
from mpgg_agents.nash_dqn.policy import NashPolicy
from mpgg_agents.nash_dqn.replay import Replay
from mpgg_agents.nash_dqn.trainer import NashDQNTrainer
from mpgg_agents.threads import limited_threads
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.vector import MarketBatch
from tests.support import exactly

TINY: dict[str, Any] = {"episodes": 3, "hidden": (6, 5), "phi": (4, 3), "warm_up": 0, "iterations": 8}
FULL = MarketConfig(impact="linear", observation="full", n_agents=3, horizon=2.0)
PAPER = MarketConfig(n_agents=3, horizon=2.0)
UNLIKE = FULL.replace(transaction_cost=(0.1, 0.2, 0.1))


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with limited_threads():
        yield


def learner(game: MarketConfig = FULL, seed: int = 0, **settings: Any) -> Learner:
    return Learner(game, NashDQNConfig(**{**TINY, **settings}), seed)


def trainer(game: MarketConfig = FULL, seeds: tuple[int, ...] = (3, 4), **settings: Any) -> NashDQNTrainer:
    return NashDQNTrainer(game, NashDQNConfig(**{**TINY, **settings}), seeds)


def played(one: Learner, seed: int = 0) -> Transitions:
    """A batch of three episodes in which everybody explores."""
    draws = generator(seed, 99)
    policy = NashPolicy(one.networks.advantage, one.eyes, one.scales.rate)
    noise = 4 * draw_exploration(one.game, 3, 1.0, draws)
    return one.player.play(policy.of_sight, draw_episodes(one.game, 3, draws), noise)[0]


def weights(network: torch.nn.Module) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in network.parameters()]


def equal(first: list[torch.Tensor], second: list[torch.Tensor]) -> bool:
    return all(torch.equal(own, other) for own, other in zip(first, second, strict=True))


def through_a_file(arrays: dict[str, Any]) -> dict[str, Any]:
    file = io.BytesIO()
    np.savez(file, **arrays)
    file.seek(0)
    with np.load(file, allow_pickle=False) as stored:
        return dict(stored)


def assert_equal(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert first.keys() == second.keys()
    for name, array in first.items():
        assert array.dtype == second[name].dtype, name
        assert np.array_equal(array, second[name]), name


# Steps


def test_episodes_are_those_of_the_market() -> None:
    one, draws = learner(), generator(0, 97)
    episodes, noise = draw_episodes(FULL, 3, draws), draw_exploration(FULL, 3, 1.0, draws)
    seen, mean_return = one.player.play(lambda sight: -2 * sight.others, episodes, noise)
    batch, steps, returns = MarketBatch(FULL), FULL.n_steps, np.zeros((3, 3))
    state = batch.drawn_state(episodes.inventory.numpy(), episodes.price.numpy(), episodes.impact.numpy())
    for t in range(steps):
        rows = slice(3 * t, 3 * t + 3)
        rates = -2 * state.inventory / one.scales.inventory + noise[t].numpy()
        np.testing.assert_allclose(seen.others[rows], state.inventory / one.scales.inventory, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(seen.actions[rows], rates, rtol=1e-4, atol=1e-4)
        state, rewards = batch.step(state, rates, episodes.shocks[t].numpy())
        np.testing.assert_allclose(seen.rewards[rows], rewards, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(seen.next_others[rows], state.inventory / one.scales.inventory, rtol=1e-4, atol=1e-5)
        assert seen.goes_on[rows].flatten().tolist() == [float(t + 1 < steps)] * 3
        returns += rewards
    assert torch.equal(seen.next_own[:-3], seen.own[3:])
    assert mean_return == pytest.approx(returns.mean(), rel=1e-4)


def advantages_written_out(one: Learner, data: Transitions) -> np.ndarray[Any, Any]:
    """A of each trader in each decision, in units of the value, from coefficients and deviations in natural units."""
    c = one.networks.coefficients(data.sight)
    mu, own, cross, single, joint, slope = (part.detach().double().numpy() for part in c)
    z = data.actions.double().numpy() - mu[..., 0] * one.scales.rate
    unit = one.config.noise
    result = np.zeros_like(z)
    for t in range(len(z)):
        for i in range(3):
            rest = [z[t, j] for j in range(3) if j != i]
            quadratic = own[t, i, 0, 0] * z[t, i] ** 2 + cross[t, i, 0, 0, 0] * z[t, i] * sum(rest)
            quadratic += single[t, i, 0, 0, 0] * sum(x**2 for x in rest) + joint[t, i, 0, 0] * sum(rest) ** 2
            result[t, i] = slope[t, i, 0, 0] * sum(rest) / unit - quadratic / unit**2
    return result


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("beta", [0.0, 50.0])
def test_losses_are_squared_bellman_errors_before_and_after_the_value_step(reduction: str, beta: float) -> None:
    one = learner(reduction=reduction, psi_penalty=beta, trace=0.0, final_trace=0.0, gamma=0.9, noise=3.0)
    data = played(one)

    def values(network: torch.nn.Module, sight: Any) -> np.ndarray[Any, Any]:
        return network(sight)[..., 0].detach().double().numpy()

    earned = data.rewards.double().numpy() / one.scales.value
    earned = earned + 0.9 * values(one.target, data.next_sight) * data.goes_on.numpy()
    error = advantages_written_out(one, data) - earned
    before = values(one.networks.value, data.sight)
    losses = one._learn(data)
    after = values(one.networks.value, data.sight)
    size = error.size if reduction == "mean" else 1
    assert losses["value_loss"] == pytest.approx(((before + error) ** 2).sum() / size, rel=1e-4)
    assert losses["advantage_loss"] == pytest.approx(((after + error) ** 2).sum() / size, rel=1e-4)
    assert losses["advantage_loss"] < losses["value_loss"]


@pytest.mark.parametrize(("reduction", "penalty"), [("mean", "l2"), ("mean", "l1"), ("sum", "l2")])
def test_the_penalty_has_no_part_in_the_gradient_of_the_value(reduction: str, penalty: str) -> None:
    gradients = []
    for beta in (0.0, 100.0, 200.0):
        one = learner(reduction=reduction, penalty=penalty, psi_penalty=beta, max_gradient_norm=1e9)
        one._learn(played(one))
        parts = (one.networks.value, one.networks.advantage)
        gradients.append([[parameter.grad.clone() for parameter in part.parameters()] for part in parts])
    for value, advantage in gradients[1:]:
        assert equal(value, gradients[0][0])
        assert not equal(advantage, gradients[0][1])
    free, once, twice = (torch.cat([part.flatten() for part in parts[1]]) for parts in gradients)
    torch.testing.assert_close(twice - once, once - free, rtol=1e-3, atol=1e-4 * float(once.abs().max()))


def test_copies_are_made_of_value_weights_alone_every_few_rounds() -> None:
    one = learner(target_every=2)
    for k in range(1, 6):
        before = weights(one.target)
        one.iterate()
        assert equal(weights(one.target), weights(one.networks.value) if k % 2 == 0 else before)


def test_best_weights_are_those_of_the_lowest_smoothed_loss_and_last_ones_the_last() -> None:
    best, last = (learner(returned=returned, averaging=0.6, iterations=40) for returned in ("best", "last"))
    smoothed, lowest, kept, taken = math.inf, math.inf, weights(best.kept), 0
    for k in range(40):
        loss = sum(value for name, value in best.iterate().items() if name.endswith("_loss"))
        last.iterate()
        smoothed = loss if k == 0 else 0.6 * smoothed + 0.4 * loss
        if smoothed <= lowest:
            lowest, kept, taken = smoothed, weights(best.networks.advantage), taken + 1
        assert equal(weights(best.kept), kept)
        assert equal(weights(last.kept), weights(last.networks.advantage))
    assert 1 < taken < 40
    assert best.smoothed_loss == pytest.approx(smoothed)


def test_the_step_size_rises_in_the_beginning_and_falls_along_a_cosine() -> None:
    one = learner(learning_rate=0.5, final_learning_rate=0.2, warm_up=3, iterations=8, noise=4.0, final_noise=2.0)
    one.config = one.config.replace(trace=1.0, final_trace=0.5)
    for k in range(8):
        one.rounds_done = k
        falling = 0.2 + 0.8 * (1 + math.cos(math.pi * k / 8)) / 2
        assert one.learning_rate == pytest.approx(0.5 * falling * min(1, (k + 1) / 3))
        assert one.exploration == pytest.approx(4 - 2 * k / 8)
        assert one.trace == pytest.approx(1 - 0.5 * k / 8)


def test_steps_are_no_longer_than_the_gradient_norm_lets_them() -> None:
    one = learner()
    loss = 1e6 * sum((parameter**2).sum() for parameter in one.networks.value.parameters())
    one._step(one.value_optimizer, one.networks.value, loss)
    norm = math.sqrt(sum(float((parameter.grad**2).sum()) for parameter in one.networks.value.parameters()))
    assert norm == pytest.approx(1, rel=1e-4)


def test_what_depends_on_what_traders_see() -> None:
    config, replay = NashDQNConfig(), NashDQNConfig(data="replay")
    assert [psi_penalty(game, config) for game in (FULL, PAPER)] == [0, 50]
    assert [psi_penalty(game, config.replace(psi_penalty=3)) for game in (FULL, PAPER)] == [3, 3]
    assert [traces(game, config) for game in (FULL, PAPER)] == [(0.9, 0), (1, 1)]
    assert [traces(game, replay) for game in (FULL, PAPER)] == [(0, 0), (0, 0)]
    assert traces(PAPER, config.replace(trace=0.3, final_trace=0.2)) == (0.3, 0.2)
    sizes = [episodes_per_iteration(MarketConfig(n_agents=n, impact_scaling="mean_field"), config) for n in (2, 5, 99)]
    assert sizes == [160, 64, 8]
    assert episodes_per_iteration(FULL, config.replace(episodes=7)) == 7


# The buffer


def numbered(numbers: list[int]) -> Transitions:
    column = torch.tensor(numbers, dtype=torch.float32)[:, None].expand(-1, 2)
    wide = column[..., None]
    return Transitions(wide, column, column, column, wide + 0.5, column + 0.5, column[:, :1])


def held(replay: Replay) -> list[float]:
    return replay.parts.actions[: replay.size, 0].tolist()


def test_the_buffer_keeps_the_last_decisions_in_a_ring() -> None:
    replay, draws = Replay(5, 1, 2), np.random.default_rng(0)
    replay.add(numbered([1, 2, 3]))
    assert held(replay) == [1, 2, 3]
    assert set(replay.draw(50, draws).actions[:, 0].tolist()) == {1, 2, 3}
    replay.add(numbered([4, 5, 6]))
    assert held(replay) == [6, 2, 3, 4, 5]
    replay.add(numbered(list(range(10, 17))))
    assert sorted(held(replay)) == [12, 13, 14, 15, 16]
    replay.add(numbered([17]))
    assert sorted(held(replay)) == [13, 14, 15, 16, 17]
    drawn = replay.draw(40, draws)
    assert len(drawn.actions) == 40
    for part, shift in zip(drawn, (0, 0, 0, 0, 0.5, 0.5, 0), strict=True):
        assert torch.equal(part.reshape(40, -1)[:, 0] - shift, drawn.actions[:, 0])  # rows stay together
    replay.clear()
    replay.add(numbered([7]))
    assert set(replay.draw(9, draws).actions[:, 0].tolist()) == {7}


@pytest.mark.parametrize("sizes", [[], [3], [3, 3], [5], [4, 4, 4]], ids=str)
def test_a_restored_buffer_goes_on_as_the_first_one(sizes: list[int]) -> None:
    first, second = Replay(5, 1, 2), Replay(5, 1, 2)
    for size in sizes:
        first.add(numbered(list(range(size))))
    second.add(numbered([9, 9, 9, 9]))
    second.restore(through_a_file(first.arrays()))
    for replay in (first, second):
        replay.add(numbered([20, 21]))
    assert held(first) == held(second)
    draws = [replay.draw(9, np.random.default_rng(1)).next_own for replay in (first, second)]
    assert torch.equal(*draws)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda a: a.update(position=np.array(2)), "replay must be 3 of 5 decisions in order, got position 2"),
        (lambda a: a.update(actions=np.zeros((6, 2), np.float32)), "replay must be 6 of 5 decisions in order"),
        (lambda a: a.update(rewards=a["rewards"][:2]), "replay.rewards must be 3 finite rows, got 2"),
        (lambda a: a["own"].fill(np.inf), "replay.own must be 3 finite rows, got 3"),
    ],
)
def test_a_damaged_buffer_is_refused(change: Callable[[dict[str, Any]], None], complaint: str) -> None:
    replay = Replay(5, 1, 2)
    replay.add(numbered([1, 2, 3]))
    arrays = through_a_file(replay.arrays())
    change(arrays)
    with pytest.raises(ValueError, match=complaint):
        Replay(5, 1, 2).restore(arrays)


def test_replayed_data_are_decisions_of_this_and_earlier_rounds() -> None:
    one = learner(data="replay", capacity=20)
    first, second = played(one, 1), played(one, 2)
    drawn = one._data(first)
    assert len(drawn.actions) == len(first.actions) == 12
    assert all((first.actions == row).all(1).any() for row in drawn.actions)
    one.rounds_done = 1
    drawn = one._data(second)
    known = torch.cat([first.actions[4:], second.actions])
    assert all((known == row).all(1).any() for row in drawn.actions)


# Bits


@pytest.mark.parametrize("stop", [1, 2, 5, 7])
@pytest.mark.parametrize(
    ("game", "settings"),
    [
        (UNLIKE, {"target_every": 3, "returned": "best"}),
        (PAPER, {"data": "replay", "capacity": 31, "clock": "scalar"}),
    ],
    ids=["unlike traders, best weights", "paper, replayed"],
)
def test_a_training_resumed_anywhere_has_the_same_bits(game: MarketConfig, settings: dict[str, Any], stop: int) -> None:
    whole, first, second = (trainer(game, **settings) for _ in range(3))
    record = whole.advance(8)
    beginning = first.advance(stop)
    second.advance(3)  # what it has done so far is forgotten
    second.restore(through_a_file(first.state_arrays()))
    joined = MarketRecord.concatenate([beginning, second.advance(8 - stop)])
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
        MarketRecord.concatenate([record, MarketRecord(record.measures, {})])
    with pytest.raises(ValueError, match="records must have the same names to be joined"):
        MarketRecord.concatenate([])


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


# What is refused


def test_a_training_with_too_large_steps_fails_and_says_what_to_try() -> None:
    with pytest.raises(
        TrainingError, match=r"^the losses of iteration \d+ have run away; try a smaller learning_rate$"
    ):
        trainer(learning_rate=1e30).advance(8)


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


WRONG: list[tuple[str, Any, type[Exception], str]] = [
    ("iterations", 0, ValueError, "must be >= 1, got 0"),
    ("iterations", 1.5, TypeError, "must be an integer, got 1.5"),
    ("episodes", 0, ValueError, "must be >= 1, got 0"),
    ("episodes", True, TypeError, "must be an integer, got True"),
    ("hidden", 32, TypeError, "must be a sequence of numbers of units, got 32"),
    ("hidden", (), TypeError, "must be a sequence of numbers of units, got ()"),
    ("phi", "20", TypeError, "must be a sequence of numbers of units, got '20'"),
    ("clock", "hands", ValueError, "must be one of 'scalar', 'one_hot', got 'hands'"),
    ("learning_rate", 0, ValueError, "must be finite and > 0, got 0"),
    ("learning_rate", math.nan, ValueError, "must be finite and > 0, got nan"),
    ("final_learning_rate", 1.1, ValueError, "must be in [0, 1], got 1.1"),
    ("warm_up", -1, ValueError, "must be >= 0, got -1"),
    ("weight_decay", -0.1, ValueError, "must be finite and >= 0, got -0.1"),
    ("max_gradient_norm", 0, ValueError, "must be finite and > 0, got 0"),
    ("beta_2", 1, ValueError, "must be in [0, 1), got 1"),
    ("gamma", 1.01, ValueError, "must be in [0, 1], got 1.01"),
    ("trace", -0.1, ValueError, "must be in [0, 1], got -0.1"),
    ("final_trace", 2, ValueError, "must be in [0, 1], got 2"),
    ("noise", 0, ValueError, "must be finite and > 0, got 0"),
    ("noise", "4", TypeError, "must be a number, got '4'"),
    ("final_noise", -1, ValueError, "must be finite and > 0, got -1"),
    ("exploring", 0, ValueError, "must be in (0, 1], got 0"),
    ("target_every", 0, ValueError, "must be >= 1, got 0"),
    ("psi_penalty", -1, ValueError, "must be finite and >= 0, got -1"),
    ("penalty", "l3", ValueError, "must be one of 'l2', 'l1', got 'l3'"),
    ("reduction", "max", ValueError, "must be one of 'mean', 'sum', got 'max'"),
    ("data", "old", ValueError, "must be one of 'fresh', 'replay', got 'old'"),
    ("capacity", 0, ValueError, "must be >= 1, got 0"),
    ("returned", "worst", ValueError, "must be one of 'average', 'best', 'last', got 'worst'"),
    ("averaging", 1, ValueError, "must be in [0, 1), got 1"),
    ("scales", "none", ValueError, "must be one of 'measured', 'authors', got 'none'"),
]


@pytest.mark.parametrize(
    ("name", "value", "error", "text"), WRONG, ids=[f"{name}={value!r}" for name, value, *_ in WRONG]
)
def test_wrong_hyper_parameters_are_refused(name: str, value: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=exactly(f"{name} {text}")):
        NashDQNConfig(**{name: value})


def test_every_hyper_parameter_is_checked() -> None:
    assert {name for name, *_ in WRONG} == set(NashDQNConfig.__dataclass_fields__)
    with pytest.raises(ValueError, match=exactly("hidden[1] must be >= 1, got 0")):
        NashDQNConfig(hidden=(3, 0))
    with pytest.raises(ValueError, match="final_trace must be 0 with data='replay', whose decisions are single ones"):
        NashDQNConfig(final_trace=1, data="replay")
    assert NashDQNConfig(phi=0) == NashDQNConfig(phi=()) == NashDQNConfig(phi=[0])


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
