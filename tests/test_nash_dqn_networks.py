"""What the networks of the traders see, written out trader by trader, and what they may not tell apart."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from mpgg_agents.market_response.episodes import draw_episodes, generator
from mpgg_agents.nash_dqn.config import NashDQNConfig
from mpgg_agents.nash_dqn.features import Eyes, Scales, Sight, measured_scales, sub_populations
from mpgg_agents.nash_dqn.network import MarketNet
from mpgg_agents.nash_dqn.policy import Networks, eyes_of, scales_of
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.state import MarketState
from mpgg_env.games.market.vector import MarketBatch

OBSERVATIONS = ["paper", "full", "full_mean"]
UNLIKE = (0.1, 0.2, 0.2, 0.1, 0.3)


def market(**settings: Any) -> MarketConfig:
    return MarketConfig(**{"impact": "linear", "observation": "full", **settings})


def visited(game: MarketConfig, steps: int = 1, episodes: int = 6) -> MarketState:
    """A state after some steps of random trading."""
    draws, rng = draw_episodes(game, episodes, generator(3, 99)), np.random.default_rng(0)
    batch = MarketBatch(game, torch, dtype=torch.float32)
    state = batch.drawn_state(draws.inventory, draws.price, draws.impact)
    for step in range(steps):
        rates = torch.from_numpy(rng.normal(size=(episodes, game.n_agents)).astype(np.float32))
        state = batch.step(state, rates, draws.shocks[step])[0]
    return state


def net(group: list[int], *, own: int = 4, phi: tuple[int, ...] = (4, 3), sees_others: bool = True) -> MarketNet:
    draws = np.random.default_rng(1)
    return MarketNet(
        np.array(group), own, sees_others=sees_others, outputs=2, hidden=(6, 5), phi=phi, generator=draws
    ).requires_grad_(False)


def sight(n: int, own: int = 4, episodes: int = 3, seed: int = 2) -> Sight:
    rng = np.random.default_rng(seed)
    return Sight(*(torch.from_numpy(rng.standard_normal(s, np.float32)) for s in ((episodes, n, own), (episodes, n))))


# Features


@pytest.mark.parametrize("observation", OBSERVATIONS)
def test_features_are_what_a_trader_sees_in_the_units_of_the_scales(observation: str) -> None:
    game = market(observation=observation, n_agents=3)
    scales = Scales(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([2.0, 0.5, 4.0, 0.1, 8.0]), 7.0, 1.0, 1.0)
    state = visited(game, steps=2)
    seen = Eyes(game, scales, dtype=torch.float64).see(state)
    for b in range(6):
        price, impact, q = float(state.price[b]), float(state.impact[b]), state.inventory[b].double().numpy()
        bought = q - state.initial_inventory[b].double().numpy()
        for i in range(3):
            rest = [j for j in range(3) if j != i]
            features = {
                "paper": [4.0, price - impact, q[i], impact, np.mean(bought[rest])],
                "full": [4.0, price - 10, impact, q[i]],
                "full_mean": [4.0, price - 10, impact, q[i], np.mean(q[rest])],
            }[observation]
            width = len(features)
            expected = (np.array(features) - scales.location[:width]) / scales.spread[:width]
            np.testing.assert_allclose(seen.own[b, i].numpy(), expected, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(seen.others[b].numpy(), q / 7, rtol=1e-6)


def test_the_clock_is_the_number_of_the_decision_and_nothing_after_the_last() -> None:
    game = market(horizon=1.5)
    eyes = {clock: Eyes(game, measured_scales(game), clock=clock) for clock in (True, False)}
    assert (eyes[True].width, eyes[False].width) == (4 + 3, 4)
    for step, expected in enumerate([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]):
        state = visited(game, steps=step)
        seen = eyes[True].see(state).own
        assert torch.equal(seen[..., :4], eyes[False].see(state).own)
        assert torch.equal(seen[..., 4:], torch.tensor(expected).float().expand(6, 5, 3))
    config = {clock: NashDQNConfig(clock=clock) for clock in ("one_hot", "scalar")}
    assert [eyes_of(game, c, scales_of(game, c)).width for c in config.values()] == [7, 4]


@pytest.mark.parametrize("observation", OBSERVATIONS)
@pytest.mark.parametrize("settings", [{}, {"n_agents": 2, "dt": 0.1}, {"n_agents": 40, "impact_scaling": "mean_field"}])
def test_measured_scales_are_the_same_every_time_and_make_features_of_order_one(
    observation: str, settings: dict[str, Any]
) -> None:
    game = market(observation=observation, **settings)
    first, second = measured_scales(game), measured_scales(game)
    assert np.array_equal(first.location, second.location)
    assert np.array_equal(first.spread, second.spread)
    assert (first.inventory, first.rate, first.value) == (second.inventory, second.rate, second.value)
    # Episodes of other draws in which everybody sells evenly: each feature has about mean 0 and deviation 1.
    draws = draw_episodes(game, 2000, generator(8, 99))
    batch = MarketBatch(game, torch, dtype=torch.float32)
    state = batch.drawn_state(draws.inventory, draws.price, draws.impact)
    seen, rates = [], []
    for shocks in draws.shocks:
        seen.append(Eyes(game, first).see(state).own)
        rates.append(-state.inventory / batch.time_to_go(state))
        state = batch.step(state, rates[-1], shocks)[0]
    features = torch.stack(seen).flatten(0, 2)
    assert features.mean(0).abs().max() < 0.1
    assert (features.std(0) - 1).abs().max() < 0.1
    assert torch.stack(rates).std() / first.rate == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("observation", OBSERVATIONS)
@pytest.mark.parametrize(
    "settings",
    [
        {"horizon": 0.3, "dt": 0.3},  # one decision: the time to go is always the same
        {"volatility": 0.0, "s0_var": 0.0, "y0_var": 0.0, "price_level": 10.3, "impact": "none", "permanent_impact": 0},
        {"volatility": 0.0, "s0_var": 0.0, "y0_var": 0.0, "init_inv_var": 0.0, "price_level": 10.3},
    ],
    ids=["one decision", "a price that nothing moves", "nothing to trade"],
)
def test_what_does_not_vary_is_not_blown_up(observation: str, settings: dict[str, Any]) -> None:
    game = market(observation=observation, **settings)
    scales = measured_scales(game)
    assert min(scales.inventory, scales.rate, scales.value) > 0
    for steps in (0, game.n_steps):
        assert Eyes(game, scales).see(visited(game, steps=steps)).own.abs().max() < 10


def test_traders_with_the_same_costs_and_penalties_are_one_sub_population() -> None:
    assert sub_populations(market()).tolist() == [0] * 5
    both = market(n_agents=4, transaction_cost=(0.1, 0.1, 0.2, 0.1), terminal_penalty=(0.3, 0.4, 0.3, 0.3))
    assert sub_populations(both).tolist() == [0, 1, 2, 0]


def test_the_authors_scales_are_for_what_their_traders_see() -> None:
    config = NashDQNConfig(scales="authors")
    assert scales_of(MarketConfig(), config).spread.tolist() == [1.4361, 0.742, 2.5, 0.1, 1]
    with pytest.raises(ValueError, match="scales must be 'measured' under observation 'full'"):
        scales_of(market(), config)


# Networks


def by_hand(one: MarketNet, seen: Sight, group: list[int], b: int, i: int) -> np.ndarray[Any, Any]:
    """The output for one trader, written out with sums over the others."""
    n, kinds = len(group), max(group) + 1

    def through(part: str, x: np.ndarray[Any, Any], last: bool) -> np.ndarray[Any, Any]:
        layers = [layer for name, layer in one.named_modules() if name.startswith(f"{part}.layers.")]
        for k, layer in enumerate(layers):
            x = layer.weight.numpy().astype(float) @ x + layer.bias.numpy()
            if last or k + 1 < len(layers):
                x = x / (1 + np.exp(-x))
        return x

    def kind(j: int) -> list[float]:
        return [float(group[j] == k) for k in range(kinds)] if kinds > 1 else []

    q, rest = seen.others[b].numpy().astype(float), [j for j in range(n) if j != i]
    parts = [seen.own[b, i].numpy(), kind(i)]
    for k in range(kinds):
        members = [q[j] for j in rest if group[j] == k]
        parts.append([2 * sum(members) / max(len(members), 1)])
    if one.phi is not None:
        parts.append(sum(through("phi", np.array([q[j], *kind(j)]), True) for j in rest) / len(rest))
    return through("main", np.concatenate(parts), False)


@pytest.mark.parametrize("group", [[0, 0, 0, 0], [0, 1, 1, 0, 2], [0, 0]], ids=str)
@pytest.mark.parametrize("phi", [(4, 3), (5,), ()], ids=str)
def test_a_network_is_means_over_the_others_and_layers_of_silu(group: list[int], phi: tuple[int, ...]) -> None:
    one, seen = net(group, phi=phi), sight(len(group))
    output = one(seen)
    assert (one.phi is None) == (phi == ())
    for b in range(3):
        for i in range(len(group)):
            np.testing.assert_allclose(output[b, i].numpy(), by_hand(one, seen, group, b, i), rtol=1e-4, atol=1e-5)


def test_the_same_weights_say_the_same_where_twice_as_many_others_hold_the_same() -> None:
    few, others = sight(1 + 3), torch.tensor([0.5, -1.0, 2.0])
    for copies in (1, 2, 30):
        one = net([0] * (1 + 3 * copies))
        one.load_state_dict(net([0] * 4).state_dict())
        held = torch.cat([few.others[:, :1], others.repeat(copies).expand(3, -1)], 1)
        own = few.own[:, :1].expand(-1, held.shape[1], -1)
        expected = net([0] * 4)(few._replace(others=torch.cat([few.others[:, :1], others.expand(3, -1)], 1)))[:, 0]
        torch.testing.assert_close(one(Sight(own, held))[:, 0], expected)


def test_without_phi_the_mean_of_the_others_is_all_and_with_it_it_is_not() -> None:
    seen = sight(4)
    spread = seen._replace(others=seen.others + torch.tensor([0.0, 1.0, -1.0, 0.0]))
    for phi, alike in (((), True), ((4, 3), False)):
        one = net([0] * 4, phi=phi)
        assert torch.allclose(one(seen)[:, [0, 3]], one(spread)[:, [0, 3]], atol=1e-6) == alike


def test_a_trader_does_not_see_its_own_inventory_among_the_others() -> None:
    seen, one = sight(4), net([0] * 4)
    moved = seen._replace(others=seen.others + torch.tensor([5.0, 0.0, 0.0, 0.0]))
    torch.testing.assert_close(one(moved)[:, 0], one(seen)[:, 0], rtol=1e-4, atol=1e-5)
    assert (one(moved)[:, 1:] - one(seen)[:, 1:]).abs().max() > 1e-2


def test_who_does_not_see_the_others_has_no_phi_and_does_not_hear_of_them() -> None:
    one, seen = net([0] * 4, own=5, sees_others=False), sight(4, own=5)
    assert one.phi is None
    assert torch.equal(one(seen), one(seen._replace(others=seen.others + 1)))


@pytest.mark.parametrize("observation", OBSERVATIONS)
@pytest.mark.parametrize("costs", [0.1, UNLIKE], ids=["identical", "unlike"])
def test_relabelling_within_sub_populations_relabels_values_and_every_coefficient(
    observation: str, costs: float | tuple[float, ...]
) -> None:
    game = market(observation=observation, transaction_cost=costs)
    config = NashDQNConfig(hidden=(6, 5), phi=(4, 3))
    eyes = eyes_of(game, config, scales_of(game, config))
    networks = Networks(game, config, eyes, 0).requires_grad_(False)
    state = visited(game)
    seen = eyes.see(state)

    def relabelled(order: list[int]) -> Sight:
        kept = {name: getattr(state, name)[:, order] for name in ("inventory", "initial_inventory", "cash")}
        return eyes.see(replace(state, **kept))

    order = [3, 2, 1, 0, 4]  # within 0 and 3, and within 1 and 2
    moved = relabelled(order)
    torch.testing.assert_close(networks.value(moved), networks.value(seen)[:, order])
    pairs = zip(networks.coefficients(moved), networks.coefficients(seen), strict=True)
    for new, coefficient in pairs:
        torch.testing.assert_close(new, coefficient[:, order])
    across = [1, 0, 2, 3, 4]
    same = torch.allclose(networks.value(relabelled(across)), networks.value(seen)[:, across], atol=1e-5)
    assert same == (costs == 0.1)
    assert networks.coefficients(seen).action.std() > 0


def test_seeds_give_weights_of_their_own_within_the_bounds_of_torchs_layers() -> None:
    game, config = market(), NashDQNConfig()
    eyes = eyes_of(game, config, scales_of(game, config))
    first, again, other = (Networks(game, config, eyes, seed) for seed in (1, 1, 2))
    for name, parameter in first.named_parameters():
        assert torch.equal(parameter, again.get_parameter(name)), name
        assert not torch.equal(parameter, other.get_parameter(name)), name
    weight = first.value.main.layers[1].weight
    assert weight.abs().max() <= 32**-0.5
    assert float(weight.detach().std()) == pytest.approx(32**-0.5 / 3**0.5, rel=0.1)  # uniform
    assert weight.mean().abs() < 0.02
