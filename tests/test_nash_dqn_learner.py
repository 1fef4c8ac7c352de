"""The steps of Nash-DQN against sums written out and its schedules."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from mpgg_agents.market_response.episodes import draw_episodes, generator
from mpgg_agents.nash_dqn.config import NashDQNConfig
from mpgg_agents.nash_dqn.episodes import Transitions, draw_exploration
from mpgg_agents.nash_dqn.learner import Learner, episodes_per_iteration, psi_penalty, traces
from mpgg_agents.threads import limited_threads
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.vector import MarketBatch
from tests.tiny_nash_dqn import FULL, PAPER, learner, played

pytestmark = pytest.mark.algorithm


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with limited_threads():
        yield


def weights(network: torch.nn.Module) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in network.parameters()]


def equal(first: list[torch.Tensor], second: list[torch.Tensor]) -> bool:
    return all(torch.equal(own, other) for own, other in zip(first, second, strict=True))


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
    data = played(one)
    advantage = one._advantage(data)[0].detach()
    shape = (FULL.n_steps, 3, FULL.n_agents)
    following = one.target(data.next_sight)[..., 0]
    expected = targets_written_out(
        *((part.reshape(shape)).numpy() for part in (data.rewards / one.scales.value, following, advantage)), 0.9, trace
    )
    np.testing.assert_allclose(one._earned(data, advantage).reshape(shape).numpy(), expected, rtol=1e-5, atol=1e-5)


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


def test_the_penalty_by_hand() -> None:
    slope = torch.tensor([1.0, -3.0])
    two, one = (learner(psi_penalty=8.0, penalty=penalty, noise=2.0) for penalty in ("l2", "l1"))
    # In units of order one psi is psi / (value / noise), and the loss that of rewards / value.
    assert float(two._penalty(slope)) == pytest.approx(8 / 4 * (1 + 9) / 2)
    assert float(one._penalty(slope)) == pytest.approx(8 / (2 * one.scales.value) * (1 + 3) / 2)


def test_the_average_is_a_running_one() -> None:
    one, average = learner(averaging=0.5), None
    for _ in range(6):
        one.iterate()
        online = weights(one.networks.advantage)
        average = online if average is None else [a + 0.5 * (o - a) for a, o in zip(average, online, strict=True)]
        for kept, expected in zip(weights(one.kept), average, strict=True):
            torch.testing.assert_close(kept, expected)


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


def test_steps_are_no_longer_than_the_gradient_norm_lets_them() -> None:
    one = learner()
    loss = 1e6 * sum((parameter**2).sum() for parameter in one.networks.value.parameters())
    one._step(one.value_optimizer, one.networks.value, loss)
    norm = math.sqrt(sum(float((parameter.grad**2).sum()) for parameter in one.networks.value.parameters()))
    assert norm == pytest.approx(1, rel=1e-4)


def test_exploration_in_a_share_of_the_decisions() -> None:
    noise = draw_exploration(FULL, 8000, 0.1, generator(0, 98))
    explores = noise != 0
    assert float(explores.float().mean()) == pytest.approx(0.1, abs=0.005)  # 96,000 draws: five standard errors
    assert float(noise[explores].std()) == pytest.approx(1, abs=0.05)
    alone = explores.sum(-1) == 1
    assert float(alone.float().mean()) == pytest.approx(3 * 0.1 * 0.9**2, abs=0.012)  # each trader for itself
    assert (draw_exploration(FULL, 100, 1.0, generator(0, 98)) != 0).all()
    assert [learner(game).exploring for game in (FULL, PAPER)] == [1, 0.1]
    assert learner(PAPER, exploring=0.4).exploring == 0.4


# Schedules and defaults


def test_the_step_size_rises_in_the_beginning_and_falls_along_a_cosine() -> None:
    one = learner(learning_rate=0.5, final_learning_rate=0.2, warm_up=3, iterations=8, noise=4.0, final_noise=2.0)
    one.config = one.config.replace(trace=1.0, final_trace=0.5)
    for k in range(8):
        one.rounds_done = k
        falling = 0.2 + 0.8 * (1 + math.cos(math.pi * k / 8)) / 2
        assert one.learning_rate == pytest.approx(0.5 * falling * min(1, (k + 1) / 3))
        assert one.exploration == pytest.approx(4 - 2 * k / 8)
        assert one.trace == pytest.approx(1 - 0.5 * k / 8)


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
