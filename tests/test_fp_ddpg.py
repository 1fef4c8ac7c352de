"""Fictitious play with DDPG: known answers in tiny markets, bits of a resumed training, and what its parts do."""

import io
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from mpgg_agents.errors import TrainingError
from mpgg_agents.fp_ddpg import DDPG, PRESETS, FPDDPGConfig, FPDDPGTrainer, load_policy
from mpgg_agents.fp_ddpg.network import MeanNet, OneSight, TraderNet
from mpgg_agents.fp_ddpg.replay import Replay, Transitions
from mpgg_agents.market_response import exploitability
from mpgg_agents.market_response.episodes import draw_episodes, generator
from mpgg_agents.nash_dqn.features import Sight
from mpgg_agents.training_record import TrainingRecord
from mpgg_env.analysis.market_equilibrium import solve_market
from mpgg_env.analysis.market_profile import LinearProfile
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.state import MarketState
from mpgg_env.games.market.vector import MarketBatch
from tests.support import exactly

pytestmark = pytest.mark.algorithm

SMALL = MarketConfig(impact="linear", observation="full", n_agents=2, horizon=1.0)
DIFFERENT = MarketConfig(
    impact="linear", observation="full", n_agents=4, horizon=1.0, transaction_cost=(0.1, 0.2, 0.1, 0.2)
)
QUICK: dict[str, Any] = {
    "responses": 3,
    "first_rounds": 3,
    "next_rounds": 2,
    "episodes": 8,
    "gradient_steps": 2,
    "batch_size": 16,
    "capacity": 50,
    "hidden": (8,),
    "phi": (4,),
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _trainer(game: MarketConfig = SMALL, seeds: tuple[int, ...] = (3,), **options: Any) -> FPDDPGTrainer:
    return FPDDPGTrainer(game, FPDDPGConfig(**{**QUICK, **options}), seeds)


def _states(game: MarketConfig, batch: int = 5) -> MarketState:
    draws = draw_episodes(game, batch, generator(9, 0))
    return MarketBatch(game, torch, dtype=torch.float32).drawn_state(draws.inventory, draws.price, draws.impact)


# Known answers


def test_ddpg_finds_the_best_response_to_linear_rules() -> None:
    # Against linear rules a trader's problem is linear-quadratic, and its best response is known.
    profile = LinearProfile(SMALL, 0.5 * solve_market(SMALL).gains)
    config = FPDDPGConfig(first_rounds=150, gradient_steps=16, batch_size=256, hidden=(32, 32), phi=())
    found = exploitability(SMALL, profile, "ddpg", ddpg=config, episodes=2**14)
    exact = exploitability(SMALL, profile)
    assert 0.9 * exact.gain < found.gain < 1.05 * exact.gain
    assert (found.method, found.lower_bound) == ("ddpg", True)


@pytest.mark.parametrize("reading", ["average", "last"])
def test_both_readings_come_to_the_equilibrium_of_a_tiny_market(reading: Any) -> None:
    config = FPDDPGConfig(
        reading=reading,
        responses=4,
        first_rounds=80,
        next_rounds=40,
        gradient_steps=16,
        batch_size=256,
        learning_rate=5e-3,
        hidden=(32, 32),
        phi=(),
    )
    trainer = FPDDPGTrainer(SMALL, config, [0])
    trainer.advance(1)
    before = exploitability(SMALL, trainer.policy(0), episodes=2**12).share
    trainer.advance(trainer.total_rounds - 1)
    after = exploitability(SMALL, trainer.policy(0), episodes=2**14)
    assert before > 0.3  # nobody trades
    assert after.share < 0.02
    assert after.value == pytest.approx(abs(solve_market(SMALL).value[0]))


# Bits


@pytest.mark.parametrize("options", [{}, {"reading": "last"}, {"keep_transitions": False, "keep_networks": False}])
@pytest.mark.parametrize("stop", [1, 3, 6])
def test_a_resumed_training_has_the_same_bits(stop: int, options: dict[str, Any]) -> None:
    whole, first, second = (_trainer(seeds=(3, 4), **options) for _ in range(3))
    record = whole.advance(7)
    beginning = first.advance(stop)
    second.advance(2)  # what it has done so far is forgotten
    second.restore(_through_a_file(first.state_arrays()))
    joined = TrainingRecord.concatenate([beginning, second.advance(7 - stop)])
    _assert_equal(whole.state_arrays(), second.state_arrays())
    _assert_equal(record.measures, joined.measures)
    _assert_equal(record.snapshots, joined.snapshots)
    assert whole.rounds_done == second.rounds_done == whole.total_rounds == 7


def test_a_replica_depends_on_its_own_seed_alone() -> None:
    both, one = _trainer(seeds=(3, 4)), _trainer(seeds=(4,))
    both.advance(7)
    one.advance(7)
    _assert_equal(both.learned(1), one.learned(0))
    assert not np.array_equal(both.learned(0)["main.layers.0.weight"], one.learned(0)["main.layers.0.weight"])


def test_torchs_own_generator_is_left_alone() -> None:
    torch.manual_seed(5)
    _trainer().advance(2)
    after = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(after, torch.rand(1))


def _through_a_file(arrays: dict[str, Any]) -> dict[str, Any]:
    file = io.BytesIO()
    np.savez(file, **arrays)
    file.seek(0)
    with np.load(file, allow_pickle=False) as stored:
        return dict(stored)


def _assert_equal(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert first.keys() == second.keys()
    for name, array in first.items():
        assert array.dtype == second[name].dtype, name
        assert np.array_equal(array, second[name]), name


# The policy


def test_the_average_is_the_mean_rate_of_all_best_responses_and_the_last_is_the_last() -> None:
    average, last, state = _trainer(), _trainer(reading="last"), _states(SMALL)
    actors = []
    for rounds in (3, 2, 2):
        average.advance(rounds)
        replica = average.replicas[0].learner
        sight = replica.explorer.eyes.see(state)
        actors.append(replica.actor(sight)[..., 0].detach() * replica.explorer.scales.rate)
        torch.testing.assert_close(average.policy(0)(state), torch.stack(actors).mean(0))
    last.advance(7)
    learner = last.replicas[0].learner
    expected = learner.actor(learner.explorer.eyes.see(state))[..., 0] * learner.explorer.scales.rate
    torch.testing.assert_close(last.policy(0)(state), expected.detach())
    assert [len(trainer.learned(0)["main.layers.0.bias"]) for trainer in (average, last)] == [3, 1]


def test_the_others_play_the_average_while_a_best_response_is_under_way() -> None:
    trainer, state = _trainer(), _states(SMALL)
    trainer.advance(3)
    before = trainer.policy(0)(state)
    trainer.advance(1)
    assert torch.equal(trainer.policy(0)(state), before)
    trainer.advance(1)
    assert not torch.equal(trainer.policy(0)(state), before)


def test_what_a_best_response_starts_with() -> None:
    trainers = {
        (transitions, networks): _trainer(keep_transitions=transitions, keep_networks=networks)
        for transitions in (True, False)
        for networks in (True, False)
    }
    for (transitions, networks), trainer in trainers.items():
        learner = trainer.replicas[0].learner
        initial = learner.actor.main.layers[0].weight.detach().clone()
        trainer.advance(3)
        # Three rounds of eight episodes of two decisions.
        assert learner.replay.size == (48 if transitions else 0)
        for network in (learner.actor, learner.target_actor):
            assert torch.equal(network.main.layers[0].weight, initial) != networks


def test_every_round_has_episodes_of_its_own() -> None:
    trainer = _trainer()
    trainer.advance(2)
    sizes = trainer.replicas[0].learner.replay.draw(50, np.random.default_rng(0)).others
    assert len(sizes) == 32
    assert len(torch.unique(sizes, dim=0)) == 32


@pytest.mark.parametrize("reading", ["average", "last"])
def test_stored_weights_are_the_policy_again(reading: Any) -> None:
    trainer, state = _trainer(DIFFERENT, reading=reading, rate_limit=0.05), _states(DIFFERENT)
    record = trainer.advance(5)
    kept = record.snapshots["snapshot_rounds"][0].tolist()
    assert kept == [1, 2, 3, 4, 5]  # ten of seven rounds are all of them
    snapshot = {name: array[0, kept.index(5)] for name, array in record.snapshots.items() if name != "snapshot_rounds"}
    for weights in (snapshot, _through_a_file(trainer.learned(0))):
        policy = load_policy(DIFFERENT, trainer.agent, weights)
        assert torch.equal(policy(state), trainer.policy(0)(state))
        assert policy(state).abs().max() == pytest.approx(0.05)


def test_measures_are_told_of_every_round() -> None:
    trainer = _trainer(seeds=(3, 4))
    record = trainer.advance(4)
    assert set(record.measures) == {"critic_loss", "actor_value", "mean_return", "exploration"}
    assert all(array.shape == (2, 4) for array in record.measures.values())
    assert trainer.losses["critic_loss"] == record.measures["critic_loss"][:, -1].mean()
    assert record.measures["exploration"][0] == pytest.approx([2.5 - 1.5 * k / 7 for k in range(4)])
    assert trainer.exploration == pytest.approx(2.5 - 1.5 * 4 / 7)
    assert (trainer.unit, trainer.rounds_done) == (1, 4)


# Its parts


@pytest.mark.parametrize(
    ("observation", "group"),
    [("full", [0, 0, 0, 0]), ("full", [0, 1, 0, 1]), ("paper", [0, 0, 0, 0]), ("paper", [0, 0, 1, 2])],
)
def test_one_traders_output_is_its_row_of_all_outputs(observation: str, group: list[int]) -> None:
    full, draws = observation == "full", np.random.default_rng(0)
    own, extra = (4 if full else 5), torch.randn(6, 4, 1, generator=torch.Generator().manual_seed(1))
    net = TraderNet(np.array(group), own + 1, sees_others=full, outputs=2, hidden=(8,), phi=(3, 3), generator=draws)
    sight = Sight(*(torch.from_numpy(draws.standard_normal(shape, np.float32)) for shape in ((6, 4, own), (6, 4))))
    rows, traders = torch.arange(6), torch.tensor([0, 1, 2, 3, 0, 1])
    one = net.of(OneSight(sight.own[rows, traders], sight.others, traders), extra[rows, traders])
    torch.testing.assert_close(one, net(sight, extra)[rows, traders])


def test_a_mean_of_networks_is_the_mean_of_their_outputs() -> None:
    draws = np.random.default_rng(0)
    nets = [
        TraderNet(np.array([0, 1, 0]), 4, sees_others=True, outputs=1, hidden=(8,), phi=(3,), generator=draws)
        for _ in range(3)
    ]
    sight = Sight(*(torch.from_numpy(draws.standard_normal(shape, np.float32)) for shape in ((6, 3, 4), (6, 3))))
    weights = [dict(net.named_parameters()) for net in nets]
    mean = MeanNet(nets[0], {name: weights[1][name][None] for name in weights[1]})
    torch.testing.assert_close(mean(sight), nets[1](sight))
    mean = mean.with_another(weights[2]).with_another(weights[0])
    torch.testing.assert_close(mean(sight), (nets[0](sight) + nets[1](sight) + nets[2](sight)) / 3)


def _numbered(numbers: list[int]) -> Transitions:
    column = torch.tensor(numbers, dtype=torch.float32)[:, None]
    wide, trader = column.expand(-1, 2), torch.zeros(len(numbers), dtype=torch.int64)
    return Transitions(column, wide, trader, column, column, column, wide, column)


def test_the_buffer_keeps_the_last_transitions() -> None:
    replay, draws = Replay(5, 1, 2), np.random.default_rng(0)
    replay.add(_numbered([1, 2, 3]))
    assert replay.draw(3, draws).action[:, 0].tolist() == [1, 2, 3]
    replay.add(_numbered([4, 5, 6]))
    assert sorted(replay.draw(5, draws).reward[:, 0].tolist()) == [2, 3, 4, 5, 6]
    replay.add(_numbered(list(range(10, 17))))
    assert sorted(replay.draw(9, draws).own[:, 0].tolist()) == [12, 13, 14, 15, 16]
    drawn = replay.draw(4, draws)
    assert torch.equal(drawn.action, drawn.next_others[:, :1])
    assert set(drawn.action[:, 0].tolist()) <= {12, 13, 14, 15, 16}
    replay.add(_numbered([17]))
    assert sorted(replay.draw(5, draws).action[:, 0].tolist()) == [13, 14, 15, 16, 17]
    replay.clear()
    replay.add(_numbered([7]))
    assert replay.draw(4, draws).action[:, 0].tolist() == [7]


def _explored(**options: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """The rates of a first round, (M, B), and what the actor would have done."""
    config = FPDDPGConfig(**{**QUICK, "episodes": 500, "capacity": 1000, **options})
    learner = DDPG(SMALL, config, 0)
    actor = partial(learner.rates_of, learner.actor)
    for seen in learner.explorer.play(lambda state: 0 * state.inventory, actor, 0, learner.exploration(0.0))[0]:
        learner.replay.add(seen)
    played = learner.replay.draw(1000, np.random.default_rng(0))
    with torch.no_grad():
        meant = learner.rates_of(learner.actor, played.sight)
    return (played.action[:, 0] * learner.explorer.scales.rate).reshape(2, 500), meant.reshape(2, 500)


def test_gaussian_exploration_adds_noise_of_the_given_size() -> None:
    played, meant = _explored(noise=2.0)
    assert (played - meant).std().item() == pytest.approx(2.0, rel=0.1)
    assert (played - meant).mean().item() == pytest.approx(0.0, abs=0.3)


def test_the_authors_exploration_replaces_rates_or_leaves_them() -> None:
    initial = draw_episodes(SMALL, 500, generator(0, 33)).inventory[:, 0] * 50**0.5
    played, meant = _explored(exploration="authors", epsilon=1.0)
    assert (played + initial).std().item() == pytest.approx(10, rel=0.1)
    assert abs(np.corrcoef((played + initial).flatten(), initial.repeat(2))[0, 1]) < 0.1
    played, meant = _explored(exploration="authors", epsilon=0.0)
    torch.testing.assert_close(played, meant)
    played, meant = _explored(exploration="authors", epsilon=0.3)
    assert 0.65 < torch.isclose(played, meant).float().mean() < 0.75


def test_rates_stay_within_the_limit() -> None:
    played, _ = _explored(noise=2.0, rate_limit=1.0)
    assert played.abs().max().item() == pytest.approx(1.0)


def test_one_trader_of_each_sub_population_explores() -> None:
    learner = DDPG(DIFFERENT, FPDDPGConfig(**QUICK), 0)
    learner.iterate(lambda state: 0 * state.inventory, 0, 0.0)
    trader = learner.replay.draw(16, np.random.default_rng(0)).trader
    assert trader.tolist() == [0, 1] * 8


def test_where_the_schedules_are() -> None:
    config = FPDDPGConfig(**QUICK)
    assert [config.responses_done(k) for k in range(8)] == [0, 0, 0, 1, 1, 2, 2, 3]
    assert [config.progress(k) for k in range(7)] == [k / 7 for k in range(7)]
    each = config.replace(schedule="response")
    assert [each.progress(k) for k in range(7)] == [0, 1 / 3, 2 / 3, 0, 0.5, 0, 0.5]


# Errors


def test_a_training_that_diverges_says_so() -> None:
    with pytest.raises(TrainingError, match=r"^the losses or returns of round \d+ are not finite$"):
        _trainer(learning_rate=1e30).advance(7)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"reading": "mean"}, ValueError, "reading must be one of 'average', 'last', got 'mean'"),
        ({"responses": 0}, ValueError, "responses must be >= 1, got 0"),
        ({"next_rounds": 1.5}, TypeError, "next_rounds must be an integer, got 1.5"),
        ({"hidden": 32}, TypeError, "hidden must be a sequence with the units of at least one layer, got 32"),
        ({"phi": (0, 2)}, ValueError, "phi[0] must be >= 1, got 0"),
        ({"tau": 0}, ValueError, "tau must be in (0, 1], got 0"),
        ({"noise": 0}, ValueError, "noise must be finite and > 0, got 0"),
        ({"epsilon": 2}, ValueError, "epsilon must be in [0, 1], got 2"),
        ({"rate_limit": -1}, ValueError, "rate_limit must be finite and > 0, got -1"),
        ({"keep_networks": 1}, TypeError, "keep_networks must be True or False, got 1"),
        ({"exploration": "normal"}, ValueError, "exploration must be one of 'gaussian', 'authors', got 'normal'"),
        ({"schedule": "rounds"}, ValueError, "schedule must be one of 'training', 'response', got 'rounds'"),
    ],
)
def test_wrong_hyper_parameters_are_refused(options: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=exactly(text)):
        FPDDPGConfig(**options)


def test_wrong_uses_of_the_trainer_are_refused() -> None:
    with pytest.raises(ValueError, match=exactly("seeds must name at least one seed, got none")):
        _trainer(seeds=())
    with pytest.raises(ValueError, match=exactly("episodes must be >= 2, one per sub-population, got 1")):
        _trainer(DIFFERENT, episodes=1)
    trainer = _trainer()
    with pytest.raises(ValueError, match=exactly("rounds must be in [1, 7], got 8")):
        trainer.advance(8)
    trainer.advance(7)
    with pytest.raises(ValueError, match=exactly("the training of 7 rounds is finished")):
        trainer.advance(1)


def test_arrays_of_another_training_are_refused() -> None:
    trainer = _trainer()
    trainer.advance(4)
    arrays = _through_a_file(trainer.state_arrays())
    with pytest.raises(ValueError, match="of another training"):
        _trainer(hidden=(9,)).restore(arrays)
    with pytest.raises(ValueError, match=exactly("policy.actors must be 1 after 4 rounds, got 2")):
        _trainer().restore(arrays | {"replica0.policy.actors": np.array(2)})
    with pytest.raises(ValueError, match=r"replay\.reward must be \d+ finite rows, got 2"):
        _trainer().restore(arrays | {"replica0.replay.reward": np.zeros((2, 1), np.float32)})
    for name, number in (("critic.main.layers.0.bias", np.nan), ("actor.adam.0.exp_avg_sq", -1)):
        damaged = arrays | {f"replica0.{name}": np.full_like(arrays[f"replica0.{name}"], number)}
        text = f"{name} must be finite, and no mean of squares or number of steps negative"
        with pytest.raises(ValueError, match=exactly(text)):
            _trainer().restore(damaged)
    with pytest.raises(ValueError, match=exactly("replica0.round must be rounds_done, got 3")):
        _trainer().restore(arrays | {"replica0.round": np.array(3)})
    with pytest.raises(ValueError, match=exactly("main.layers.0.bias must be finite")):
        load_policy(
            SMALL, trainer.agent, trainer.learned(0) | {"main.layers.0.bias": np.full((3, 8), np.nan, np.float32)}
        )
    with pytest.raises(ValueError, match="the weights must be actors, "):
        load_policy(SMALL, trainer.agent, {"actors": np.array(1)})


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_settings_that_run(name: str) -> None:
    config = FPDDPGConfig(**PRESETS[name].agent)
    trainer = FPDDPGTrainer(MarketConfig(**PRESETS[name].game), config, [0])
    trainer.advance(1)
    default = FPDDPGConfig().total_rounds
    assert config.total_rounds == {"default": default, "exact": default, "authors": 10_000 + 19 * 5_000}[name]
