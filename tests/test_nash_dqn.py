"""Nash-DQN: what its networks may not tell apart, what its steps do, and that a resumed training has the same bits."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from mpgg_agents.errors import TrainingError
from mpgg_agents.experiments.market.distance import relative_distance, visited_states
from mpgg_agents.market_response import PathwiseConfig, exploitability
from mpgg_agents.market_response.episodes import draw_episodes, generator
from mpgg_agents.nash_dqn.config import NashDQNConfig
from mpgg_agents.nash_dqn.episodes import draw_exploration
from mpgg_agents.nash_dqn.features import sub_populations
from mpgg_agents.nash_dqn.learner import Learner
from mpgg_agents.nash_dqn.loading import load_policy
from mpgg_agents.nash_dqn.policy import NashPolicy
from mpgg_agents.nash_dqn.presets import PRESETS
from mpgg_agents.nash_dqn.trainer import NashDQNTrainer
from mpgg_env.analysis.market_equilibrium import solve_market
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.state import MarketState

TINY: dict[str, Any] = {"episodes": 3, "hidden": (6, 5), "phi": (4, 3), "warm_up": 0}
FULL = MarketConfig(impact="linear", observation="full")
PAPER = MarketConfig()
UNLIKE = FULL.replace(transaction_cost=(0.1, 0.2, 0.2, 0.1, 0.3))


def learner(game: MarketConfig = FULL, seed: int = 0, **settings: Any) -> Learner:
    return Learner(game, NashDQNConfig(**{**TINY, "iterations": 20, **settings}), seed)


def state_of(one: Learner, seed: int = 0) -> MarketState:
    draws = draw_episodes(one.game, 7, generator(seed, 99))
    return one.player.batch.drawn_state(draws.inventory, draws.price, draws.impact)


def permuted(state: MarketState, order: list[int]) -> MarketState:
    return MarketState(
        state.step,
        state.price,
        state.impact,
        state.inventory[:, order],
        state.initial_inventory[:, order],
        state.cash[:, order],
    )


@pytest.mark.parametrize("game", [FULL, PAPER, FULL.replace(observation="full_mean")], ids=lambda g: g.observation)
def test_relabelling_traders_relabels_rates_and_values(game: MarketConfig) -> None:
    one, order = learner(game), [3, 0, 4, 1, 2]
    state = state_of(one)
    rates, relabelled = one.policy(state), one.policy(permuted(state, order))
    torch.testing.assert_close(relabelled, rates[:, order])
    values, others = (one.networks.value(one.eyes.see(s)) for s in (state, permuted(state, order)))
    torch.testing.assert_close(others, values[:, order])
    assert rates.std() > 0


def test_traders_of_one_sub_population_are_alike_and_of_two_are_not() -> None:
    assert sub_populations(UNLIKE).tolist() == [0, 1, 1, 0, 2]
    one = learner(UNLIKE)
    state = state_of(one)
    rates = one.policy(state)
    torch.testing.assert_close(one.policy(permuted(state, [0, 2, 1, 3, 4])), rates[:, [0, 2, 1, 3, 4]])
    across = one.policy(permuted(state, [1, 0, 2, 3, 4]))
    assert (across - rates[:, [1, 0, 2, 3, 4]]).abs().max() > 1e-4


def targets_written_out(rewards: Any, following: Any, cost: Any, gamma: float, trace: float) -> Any:
    """y_t = r_t + gamma ((1 - lambda) V_{t+1} + lambda (y_{t+1} - A_{t+1})), nothing after the last step; (M, B, N)."""
    earned = np.zeros_like(rewards)
    for t in reversed(range(len(rewards))):
        earned[t] = rewards[t]
        if t + 1 < len(rewards):
            earned[t] += gamma * ((1 - trace) * following[t] + trace * (earned[t + 1] - cost[t + 1]))
    return earned


@pytest.mark.parametrize("trace", [0.0, 0.5, 1.0])
def test_what_a_decision_has_earned(trace: float) -> None:
    one = learner(gamma=0.9, trace=trace, final_trace=trace)
    draws = generator(3, 99)
    noise = draw_exploration(FULL, 3, 1.0, draws)
    policy = NashPolicy(one.networks.advantage, one.eyes, one.scales.rate)
    data, _ = one.player.play(policy.of_sight, draw_episodes(FULL, 3, draws), noise)
    advantage = one._advantage(data)[0].detach()
    shape = (FULL.n_steps, 3, FULL.n_agents)
    following = one.target(data.next_sight)[..., 0]
    expected = targets_written_out(
        *((part.reshape(shape)).numpy() for part in (data.rewards / one.scales.value, following, advantage)), 0.9, trace
    )
    np.testing.assert_allclose(one._earned(data, advantage).reshape(shape).numpy(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("penalty", ["l1", "l2"])
def test_the_penalty_on_psi_moves_the_advantage_and_not_the_value(penalty: Any) -> None:
    free, bound = (learner(psi_penalty=beta, penalty=penalty) for beta in (0.0, 100.0))
    free.iterate()
    bound.iterate()
    for own, other in zip(free.networks.value.parameters(), bound.networks.value.parameters(), strict=True):
        assert torch.equal(own, other)
    pairs = zip(free.networks.advantage.parameters(), bound.networks.advantage.parameters(), strict=True)
    assert any(not torch.equal(own, other) for own, other in pairs)


def test_the_penalty_by_hand() -> None:
    slope = torch.tensor([1.0, -3.0])
    two, one = (learner(psi_penalty=8.0, penalty=penalty, noise=2.0) for penalty in ("l2", "l1"))
    # In units of order one psi is psi / (value / noise), and the loss that of rewards / value.
    assert float(two._penalty(slope)) == pytest.approx(8 / 4 * (1 + 9) / 2)
    assert float(one._penalty(slope)) == pytest.approx(8 / (2 * one.scales.value) * (1 + 3) / 2)


def test_the_target_is_copied_every_few_iterations_and_the_average_is_a_running_one() -> None:
    one = learner(target_every=3, averaging=0.5)
    average = None
    for k in range(1, 7):
        before = [p.clone() for p in one.target.parameters()]
        one.iterate()
        online = [p.detach().clone() for p in one.networks.advantage.parameters()]
        average = online if average is None else [a + 0.5 * (o - a) for a, o in zip(average, online, strict=True)]
        same = all(torch.equal(a, b) for a, b in zip(before, one.target.parameters(), strict=True))
        assert same == (k % 3 != 0)
        for kept, expected in zip(one.kept.parameters(), average, strict=True):
            torch.testing.assert_close(kept.data, expected)


def test_exploration_in_a_share_of_the_decisions() -> None:
    noise = draw_exploration(FULL, 2000, 0.1, generator(0, 98))
    assert float((noise != 0).float().mean()) == pytest.approx(0.1, abs=0.005)  # 100,000 draws: five standard errors
    assert float(noise[noise != 0].std()) == pytest.approx(1, abs=0.05)
    assert learner(PAPER).exploring == 0.1
    assert learner(FULL).exploring == 1
    assert learner(PAPER).trace == 1


SETTINGS: list[dict[str, Any]] = [
    {},
    {"data": "replay", "capacity": 70},
    {"returned": "best"},
    {"returned": "last", "clock": "scalar"},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("game", [FULL, UNLIKE, PAPER], ids=["full", "unlike", "paper"])
def test_a_resumed_training_has_the_same_bits(game: MarketConfig, settings: dict[str, Any]) -> None:
    config = NashDQNConfig(**{**TINY, "iterations": 9, **settings})

    def fresh() -> NashDQNTrainer:
        return NashDQNTrainer(game, config, [0, 2**64 - 1], snapshots=3)

    whole = fresh()
    record = whole.advance(9)
    first = fresh()
    first.advance(4)
    stored = {name: array.copy() for name, array in first.state_arrays().items()}
    second = fresh()
    second.restore(stored)
    rest = second.advance(5)
    for name, array in whole.state_arrays().items():
        assert np.array_equal(array, second.state_arrays()[name]), name
    for name, values in rest.measures.items():
        assert np.array_equal(record.measures[name][:, 4:], values), name
    assert record.snapshots["snapshot_rounds"].tolist() == [[3, 6, 9]] * 2
    assert not np.array_equal(record.measures["value_loss"][0], record.measures["value_loss"][1])


def test_the_authors_scales_are_for_what_their_traders_see() -> None:
    one = learner(PAPER, scales="authors")
    assert one.scales.spread.tolist() == [1.4361, 0.742, 2.5, 0.1, 1]
    with pytest.raises(ValueError, match="scales must be 'measured' under observation 'full'"):
        learner(FULL, scales="authors")


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_settings_that_run(name: str) -> None:
    config = NashDQNConfig(**PRESETS[name].agent)
    trainer = NashDQNTrainer(MarketConfig(**PRESETS[name].game), config.replace(episodes=2), [0])
    assert np.isfinite(trainer.advance(1).measures["value_loss"]).all()
    assert config.iterations == (20_000 if name in ("paper", "authors") else 8000)


def test_torchs_own_generator_is_left_alone() -> None:
    before = torch.random.get_rng_state()
    NashDQNTrainer(FULL, NashDQNConfig(**{**TINY, "iterations": 2}), [0]).advance(2)
    assert torch.equal(before, torch.random.get_rng_state())


def _damaged(change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    trainer = NashDQNTrainer(FULL, NashDQNConfig(**{**TINY, "iterations": 9}), [0])
    trainer.advance(3)
    arrays = {name: array.copy() for name, array in trainer.state_arrays().items()}
    change(arrays)
    return arrays


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda a: a.pop("replica0.kept.main.layers.0.bias"), "of another training"),
        (lambda a: a.update({"replica0.round": np.array(2, np.int64)}), r"replica0.round must be rounds_done, got 2"),
        (lambda a: a["replica0.value.main.layers.0.bias"].fill(np.nan), "value.main.layers.0.bias must be finite"),
        (lambda a: a["replica0.value_moments.0.exp_avg_sq"].fill(-1), "no mean of squares or number of steps negative"),
        (lambda a: a.update({"replica0.rescue.count": np.array(21, np.int64)}), r"count in \[0, 20\]"),
        (lambda a: a["replica0.losses"].fill(np.nan), "losses must be a smoothed one and its lowest so far"),
        (lambda a: a["replica0.kept.main.layers.0.bias"].resize(3, refcheck=False), "must be float32"),
    ],
)
def test_a_damaged_checkpoint_is_refused(change: Callable[[dict[str, Any]], None], complaint: str) -> None:
    trainer = NashDQNTrainer(FULL, NashDQNConfig(**{**TINY, "iterations": 9}), [0])
    with pytest.raises(ValueError, match=complaint):
        trainer.restore(_damaged(change))


def test_a_training_that_runs_away_goes_back_with_smaller_steps_and_says_so() -> None:
    one = learner(iterations=400)
    for _ in range(200):
        one.iterate()
    copy = {name: tensor.clone() for name, tensor in one._tensors().items()}
    rate = one.learning_rate
    with torch.no_grad():
        for parameter in one.networks.value.parameters():
            parameter.mul_(100)
    measures = one.iterate()
    assert measures["rescues"] == 1
    for name, tensor in one._tensors().items():
        assert torch.equal(tensor, copy[name]), name
    assert one.learning_rate == pytest.approx(0.7 * rate, rel=0.01)


def test_a_training_that_runs_away_before_there_is_anything_to_go_back_to_fails() -> None:
    one = learner()
    with torch.no_grad():
        one.networks.value.main.layers[0].weight.fill_(float("nan"))
    with pytest.raises(TrainingError, match=r"the losses of iteration 1 have run away; try a smaller learning_rate"):
        one.iterate()


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"iterations": 0}, "iterations must be >= 1, got 0"),
        ({"episodes": 0}, "episodes must be >= 1, got 0"),
        ({"hidden": ()}, r"hidden must be a sequence of numbers of units, got \(\)"),
        ({"exploring": 0.0}, r"exploring must be in \(0, 1\], got 0.0"),
        ({"trace": 1.5}, r"trace must be in \[0, 1\], got 1.5"),
        ({"trace": 0.5, "data": "replay"}, "trace must be 0 with data='replay'"),
        ({"penalty": "l3"}, "penalty must be one of 'l2', 'l1', got 'l3'"),
        ({"averaging": 1.0}, r"averaging must be in \[0, 1\), got 1.0"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises((TypeError, ValueError), match=complaint):
        NashDQNConfig(**settings)


def test_stored_weights_are_the_policy() -> None:
    trainer = NashDQNTrainer(UNLIKE, NashDQNConfig(**{**TINY, "iterations": 2}), [5])
    trainer.advance(2)
    loaded = load_policy(UNLIKE, trainer.agent, trainer.learned(0))
    state = state_of(learner(UNLIKE))
    assert torch.equal(loaded(state), trainer.policy(0)(state))
    with pytest.raises(ValueError, match="the weights must be"):
        load_policy(UNLIKE, trainer.agent, {})


def test_one_decision_by_hand() -> None:
    """The only decision of a market of half an hour: a quadratic game whose every coefficient is a line of algebra.

    With g = -kappa z dt + Y (e^(-rho dt) - 1), c = eta + gamma and b = b2 + b3 dt, trader i earns on average
    q_i' (g + c V dt) - b1 v_i^2 dt - b q_i'^2, where q_i' = q_i + v_i dt.
    """
    game = FULL.replace(horizon=0.5, n_agents=3, running_penalty=0.1)
    dt, cost, c, b = 0.5, 0.1, 0.05 + 0.02, 0.1 + 0.1 * 0.5
    one = Learner(game, NashDQNConfig(iterations=700, warm_up=50, episodes=256), 0)
    state = state_of(one, seed=5)
    q, g = state.inventory, (0.5 * (10 - state.price) * dt + state.impact * (np.exp(-0.5 * dt) - 1))[:, None]
    # Own derivative 0: v_i (2 b1 + 2 b dt - c dt) = g + c V dt + (c - 2 b) q_i, whose sum over the traders gives V.
    own = 2 * cost + 2 * b * dt - c * dt
    total = (3 * g + (c - 2 * b) * q.sum(1, keepdim=True)) / (own - 3 * c * dt)
    rates = (g + c * total * dt + (c - 2 * b) * q) / own
    torch.testing.assert_close(solve_market(game).profile(state), rates, rtol=1e-4, atol=1e-4)

    def distance(found: torch.Tensor, expected: torch.Tensor) -> float:
        return float(((found - expected) ** 2).mean().sqrt() / (expected**2).mean().sqrt())

    assert distance(one.policy(state), rates) > 0.5
    for _ in range(700):
        one.iterate()
    assert distance(one.policy(state), rates) < 0.05
    with torch.no_grad():
        sight = one.eyes.see(state)
        value, found = one.networks.value(sight)[..., 0] * one.scales.value, one.networks.coefficients(sight)
    after = q + rates * dt
    earned = after * (g + c * total * dt) - cost * rates**2 * dt - b * after**2
    assert distance(value, earned) < 0.05
    # Second derivatives of what is earned: -2 P11 by the own rate, -P12 by the own and another's, none by two others'.
    unit = one.scales.value / one.config.noise**2
    curvature = cost * dt + b * dt**2 - c * dt**2
    assert float(found.own.mean()) * unit == pytest.approx(curvature, rel=0.05)
    assert float(found.cross.mean()) * unit == pytest.approx(-c * dt**2, rel=0.1)
    assert float((found.joint.abs().mean() + found.single.abs().mean()) * unit) < 0.03 * curvature
    assert distance(found.slope[..., 0, 0] * one.scales.value / one.config.noise, after * c * dt) < 0.1


def test_it_comes_near_the_exact_equilibrium() -> None:
    # The bar of the full training is 10 %; this one has a fifth of its iterations.
    trainer = NashDQNTrainer(FULL, NashDQNConfig(iterations=1500, warm_up=300), [0], snapshots=0)
    exact = solve_market(FULL).profile
    states = visited_states(FULL, exact, 1024, seed=1)
    assert relative_distance(load_policy(FULL, trainer.agent, trainer.learned(0)), exact, states) > 0.9
    trainer.advance(1500)
    learned = load_policy(FULL, trainer.agent, trainer.learned(0))
    assert relative_distance(learned, exact, states) <= 0.2
    quick = PathwiseConfig(iterations=60, episodes=256)
    assert exploitability(FULL, learned, pathwise=quick, episodes=4000).interval[1] < 0.05 * 1.3277  # 5 % of |V|
