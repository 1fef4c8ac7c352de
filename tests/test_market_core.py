"""The market's dynamics: environment, numpy core and torch core against the oracle, and theorems about them."""

import pickle
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mpgg_env import MarketBatch, MarketConfig
from mpgg_env.games.market.observation import observations, standard_location, standard_scale
from mpgg_env.games.market.rules import transient_push
from tests.market_games import AT_THE_FLOOR, MARKETS, market
from tests.oracles import market_game_oracle as oracle

pytestmark = pytest.mark.algorithm

OBSERVATIONS = ("paper", "full", "full_mean")
IMPACTS = ("sqrt", "linear", "none")
rates_of_three = st.lists(st.floats(-20, 20), min_size=3, max_size=3)


def played(config: MarketConfig, seed: int) -> tuple[Any, Any, Any, Any, Any]:
    """Inventories, price, impact, noise (M,) and rates (M, N) of an episode."""
    rng, n, m = np.random.default_rng(seed), config.n_agents, config.n_steps
    start = rng.normal(0, 7, n), config.price_level + rng.normal(0, 0.3), rng.normal(0, 0.1)
    return *start, rng.normal(size=m), rng.normal(0, 3, (m, n))


def close(found: Any, expected: Any, tolerance: float = 1e-12) -> None:
    np.testing.assert_allclose(np.asarray(found, float), np.asarray(expected, float), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("observation", OBSERVATIONS)
@pytest.mark.parametrize("impact", IMPACTS)
@pytest.mark.parametrize("options", [*MARKETS.values(), AT_THE_FLOOR], ids=[*MARKETS, "at the floor"])
def test_environment_and_both_cores_go_by_the_books(options: dict[str, Any], impact: Any, observation: Any) -> None:
    options = {**options, "impact": impact, "observation": observation}
    config, game = MarketConfig(**options), oracle.rules(options)
    inventory, price, y, noise, rates = played(config, 5)
    env, cores = market(**options), [MarketBatch(config), MarketBatch(config, torch)]
    dicts = env.reset(options={"inventory": inventory, "price": price, "impact": y, "noise": noise})[0]
    states = [core.initial_state(inventory[None], [price], [y]) for core in cores]
    books, floored = oracle.opened(inventory, price, y), False
    for k in range(config.n_steps):
        books, expected = oracle.decide(game, books, rates[k], noise[k])
        dicts, rewards, _, truncated, infos = env.step(dict(zip(env.agents, rates[k], strict=True)))
        close(list(rewards.values()), expected, 1e-11)
        for i, agent in enumerate(env.possible_agents):
            told = (books.cash[i], books.inventory[i], books.price, books.impact)
            costs = (books.running_cost[i], books.terminal_cost[i])
            close(list(infos[agent].values()), [*told, *costs], 1e-11)
            np.testing.assert_allclose(
                dicts[agent], [float(x) for x in oracle.seen(game, books, i)], rtol=1e-6, atol=1e-6
            )
        for b, core in enumerate(cores):
            states[b], found = core.step(states[b], core.asarray(rates[k][None]), core.asarray(noise[k : k + 1]))
            close(found[0], list(rewards.values()))
            close(states[b].price[0], env.market.price[0])
            for name in ("inventory", "cash", "initial_inventory"):
                close(getattr(states[b], name)[0], getattr(env.market, name)[0])
            seen = [oracle.seen(game, books, i) for i in range(config.n_agents)]
            close(observations(config, states[b], core.xp)[0], seen, 1e-11)
        assert truncated["agent_0"] == (k == config.n_steps - 1)
        floored |= books.price == config.price_floor
    assert floored == (options.get("price_floor") == 1.0)  # or the floor is not tested


@pytest.mark.parametrize("options", MARKETS.values(), ids=MARKETS)
def test_rewards_add_up_to_equation_22_in_rational_numbers(options: dict[str, Any]) -> None:
    # The oracle's own books: the sum of the rewards is exact, so eq. 22 must be met to the last digit.
    config, game = MarketConfig(**options), oracle.rules(options)
    inventory, price, y, noise, rates = played(config, 1)
    books, total = oracle.opened(inventory, price, y), [Fraction(0)] * config.n_agents
    for k in range(config.n_steps):
        books, rewards = oracle.decide(game, books, rates[k], noise[k])
        total = [a + b for a, b in zip(total, rewards, strict=True)]
    for i in range(config.n_agents):
        assert total[i] == oracle.total_reward(books, i) - Fraction(inventory[i]) * Fraction(price)


@given(rates_of_three, st.permutations(range(3)), st.sampled_from(IMPACTS), st.sampled_from(OBSERVATIONS))
def test_renumbering_traders_renumbers_everything(rates: Any, order: Any, impact: Any, observation: Any) -> None:
    costs = {"transaction_cost": (0.1, 0.2, 0.3), "terminal_penalty": (0.5, 0.1, 0.2), "running_penalty": (0, 0.1, 0.3)}
    options = {"n_agents": 3, "impact": impact, "observation": observation, "horizon": 1.0}
    held, results = np.array([3.0, -5.0, 11.0]), []
    for who in (np.arange(3), np.array(order)):
        own = {name: tuple(values[i] for i in who) for name, values in costs.items()}
        core = MarketBatch(MarketConfig(**options, **own))
        state, found = core.initial_state(held[None, who], [10.2], [0.1]), []
        for _ in range(2):
            state, rewards = core.step(state, np.array(rates)[None, who], np.array([0.7]))
            found += [rewards[0], state.inventory[0], state.cash[0], observations(core.config, state, np)[0, :, :4]]
        results.append((found, float(state.price[0])))
    for one, other in zip(results[0][0], results[1][0], strict=True):
        close(other, one[list(order)], 1e-11)
    close(results[1][1], results[0][1])


@given(st.floats(5, 15), st.floats(0.0, 1.9))
def test_without_trades_and_noise_the_price_goes_back_to_its_level(price: float, reversion: float) -> None:
    # S' - theta = (1 - kappa dt) (S - theta): its distance shrinks by |1 - kappa dt| = |1 - kappa / 2| a step.
    core = MarketBatch(MarketConfig(mean_reversion=reversion, horizon=3.0))
    state = core.initial_state(np.ones((1, 5)), [price], [0.0])
    for _ in range(6):
        state = core.step(state, np.zeros((1, 5)), np.zeros(1))[0]
    close(state.price[0] - 10, (price - 10) * (1 - reversion / 2) ** 6, 1e-10)
    assert state.cash.tolist() == [[0.0] * 5]


@given(st.floats(-5, 5), st.floats(-2, 2))
def test_who_holds_and_trades_nothing_earns_nothing(others: float, noise: float) -> None:
    core = MarketBatch(MarketConfig(running_penalty=0.3))
    state = core.initial_state([[0.0, 5, -3, 8, 1]], [10.5], [0.2])
    for _ in range(core.config.n_steps):
        state, rewards = core.step(state, np.array([[0.0, others, others, -1, 2]]), np.array([noise]))
        assert rewards[0, 0] == 0


@given(st.floats(-100, 100))
def test_the_shape_of_the_impact_is_odd_and_its_square_is_the_rate(total: float) -> None:
    push, back = (transient_push(np.array(sign * total), "sqrt", np) for sign in (1, -1))
    assert push == -back
    close(push * abs(push), total)
    assert transient_push(np.array(total), "linear", np) == total
    assert transient_push(np.array(total), "none", np) == 0


def test_mean_field_scaling_changes_nothing_at_five_and_halves_both_impacts_at_ten() -> None:
    for n, factor in ((5, 1.0), (10, 0.5)):
        plain = MarketConfig(n_agents=n, permanent_impact=0.05 * factor, transient_impact=0.02 * factor)
        scaled = MarketConfig(n_agents=n, impact_scaling="mean_field")
        rates = np.arange(n, dtype=float)[None]
        after = [
            core.step(core.initial_state(rates, [10.0], [0.0]), rates, np.zeros(1))
            for core in (MarketBatch(plain), MarketBatch(scaled))
        ]
        close(after[0][1], after[1][1])
        assert after[0][0].price[0] > 10.1


def _total(config: MarketConfig, rates: torch.Tensor, inventory: Any, noise: Any) -> torch.Tensor:
    """A weighted sum of all rewards of an episode, so that no trader's gradient hides behind another's."""
    core = MarketBatch(config, torch)
    state = core.initial_state(inventory, np.full(len(inventory), 10.1), np.full(len(inventory), 0.05))
    weights, total = torch.arange(1.0, config.n_agents + 1, dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for k in range(config.n_steps):
        state, rewards = core.step(state, rates[k], core.asarray(noise[k]))
        total = total + (rewards * weights).sum()
    return total


@pytest.mark.parametrize("impact", IMPACTS)
def test_the_gradient_through_an_episode_is_that_of_finite_differences(impact: Any) -> None:
    config = MarketConfig(n_agents=3, impact=impact, running_penalty=(0.0, 0.1, 0.2), horizon=2.0)
    rng = np.random.default_rng(0)
    inventory, noise = rng.normal(0, 7, (2, 3)), rng.normal(size=(4, 2))
    rates = torch.tensor(rng.normal(0, 3, (4, 2, 3)), requires_grad=True)
    assert torch.autograd.gradcheck(lambda r: _total(config, r, inventory, noise), rates, eps=1e-5, atol=1e-7)


@pytest.mark.parametrize("impact", IMPACTS)
def test_the_gradient_is_finite_where_nobody_trades(impact: Any) -> None:
    # The root's slope is infinite at 0; the gradient there is that without transient impact, see transient_push.
    config = MarketConfig(n_agents=2, impact=impact, horizon=1.0)
    rates = torch.zeros((2, 1, 2), dtype=torch.float64, requires_grad=True)
    _total(config, rates, [[3.0, -1.0]], np.zeros((2, 1))).backward()
    assert rates.grad is not None
    assert torch.isfinite(rates.grad).all()
    without = torch.zeros((2, 1, 2), dtype=torch.float64, requires_grad=True)
    _total(config.replace(impact="none"), without, [[3.0, -1.0]], np.zeros((2, 1))).backward()
    assert torch.equal(rates.grad, without.grad) == (impact != "linear")


def test_replicas_are_independent() -> None:
    rng, config = np.random.default_rng(3), MarketConfig(observation="full")
    core, draws = MarketBatch(config), rng.normal(size=(40, 5))
    start, noise, rates = (
        core.drawn_state(draws, rng.normal(size=40), rng.normal(size=40)),
        *rng.normal(size=(2, 40, 5)),
    )
    together = core.step(start, rates, noise[:, 0])[1]
    for b in (0, 17, 39):
        alone = core.initial_state(start.inventory[b : b + 1], start.price[b : b + 1], start.impact[b : b + 1])
        assert core.step(alone, rates[b : b + 1], noise[b : b + 1, 0])[1].tolist() == [together[b].tolist()]


def test_drawn_states_have_the_variances_of_the_rules() -> None:
    # x = sigma sqrt((1 - exp(-2 kappa T)) / (2 kappa)) = .1 sqrt(1 - exp(-5)) = .09966..., taken as a variance.
    rng, core = np.random.default_rng(0), MarketBatch(MarketConfig())
    state = core.drawn_state(rng.normal(size=(200_000, 5)), rng.normal(size=200_000), rng.normal(size=200_000))
    for values, mean, variance in ((state.price, 10, 0.09966), (state.impact, 0, 0.0025), (state.inventory, 0, 50.0)):
        assert abs(values.mean() - mean) < 5 * (variance / values.size) ** 0.5
        assert abs(values.var() / variance - 1) < 5 * (2 / values.size) ** 0.5


def test_the_standard_scale_is_that_of_the_authors_networks() -> None:
    config = MarketConfig()
    assert standard_location(config).tolist() == [2.25, 10, 0, 0, 0]
    assert standard_scale(config).tolist() == [1.4361, 0.742, 2.5, 0.1, 1]
    for observation, length in (("full", 8), ("full_mean", 5)):
        other = MarketConfig(observation=observation, horizon=10, price_level=3)
        assert standard_location(other).tolist() == [4.5] + [0] * (length - 1)
        assert standard_scale(other).tolist() == [2.8722, 0.742, 0.1] + [2.5] * (length - 3)


@pytest.mark.parametrize("xp", [np, torch])
def test_a_core_can_be_pickled(xp: Any) -> None:
    core = pickle.loads(pickle.dumps(MarketBatch(MarketConfig(), xp, dtype=xp.float32)))
    assert core.xp is xp
    state, rewards = core.step(
        core.initial_state([[1.0] * 5], [10.0], [0.0]), core.asarray([[0.5] * 5]), core.asarray([0])
    )
    assert rewards.dtype == state.price.dtype == xp.float32


def test_nobody_trades_after_the_end() -> None:
    core = MarketBatch(MarketConfig(horizon=0.5))
    state = core.step(core.initial_state([[1.0] * 5], [10.0], [0.0]), np.zeros((1, 5)), np.zeros(1))[0]
    with pytest.raises(ValueError, match=r"^the episode of 1 steps is over$"):
        core.step(state, np.zeros((1, 5)), np.zeros(1))
