"""Nash-DQN comes to known equilibria: that of one decision by hand, that of the linear market by the exact solver."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from mpgg_agents.experiments.market.distance import relative_distance, visited_states
from mpgg_agents.market_response import PathwiseConfig, exploitability
from mpgg_agents.nash_dqn.config import NashDQNConfig
from mpgg_agents.nash_dqn.learner import Learner
from mpgg_agents.nash_dqn.trainer import NashDQNTrainer
from mpgg_agents.threads import limited_threads
from mpgg_env.analysis.market_equilibrium import solve_market
from mpgg_env.games.market.config import MarketConfig
from tests.tiny_nash_dqn import state_of

pytestmark = pytest.mark.algorithm

FULL = MarketConfig(impact="linear", observation="full")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with limited_threads():
        yield


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
    solution = solve_market(FULL)
    exact = solution.profile
    states = visited_states(FULL, exact, 1024, seed=1)
    quick = PathwiseConfig(iterations=60, episodes=256)
    bar = 0.05 * -float(solution.value[0])
    learned = trainer.policy(0)
    assert relative_distance(learned, exact, states) > 0.9
    assert exploitability(FULL, learned, pathwise=quick, episodes=1000).interval[0] > bar
    trainer.advance(1500)
    assert relative_distance(learned, exact, states) <= 0.2
    assert exploitability(FULL, learned, pathwise=quick, episodes=4000).interval[1] < bar
