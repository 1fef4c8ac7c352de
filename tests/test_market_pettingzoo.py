"""PettingZoo's own tests of the market, the registry, determinism over whole episodes, and its pictures."""

import itertools
from typing import Any

import numpy as np
import pettingzoo
import pytest
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, render_test, seed_test
from pettingzoo.utils.conversions import aec_to_parallel, parallel_to_aec

from mpgg_env import MarketConfig, MarketParallelEnv, market_v0
from mpgg_env.games.market.chart import MOST_LINES, nice_half, signed_colours
from mpgg_env.games.market.render import ansi_frame, rgb_frame
from mpgg_env.games.market.state import MarketState
from mpgg_env.registration import GAMES
from tests.market_games import MARKETS, any_rate, everybody, market
from tests.support import episode, same
from tests.test_market_env import same_snapshot

GAME_ID = "mpgg/market-v0"
# Rates, prices and inventories have no bounds, which is true and which PettingZoo finds suspicious.
unbounded = pytest.mark.filterwarnings(
    r"ignore:Agent's m\w+ (observation|action) space value is -?infinity:UserWarning"
)


@pytest.fixture(params=MARKETS)
def arguments(request: pytest.FixtureRequest) -> dict[str, Any]:
    return MARKETS[request.param]


def test_parallel_api(arguments: dict[str, Any]) -> None:
    parallel_api_test(market(**arguments), num_cycles=30)  # longer than an episode
    parallel_api_test(market(**arguments, max_rate=5.0, obs_scale="standard"), num_cycles=3)  # shorter


def test_parallel_seed(arguments: dict[str, Any]) -> None:
    parallel_seed_test(lambda: market(**arguments), num_cycles=10)


@unbounded
def test_aec_api(arguments: dict[str, Any]) -> None:
    api_test(market_v0.env(**arguments), num_cycles=20)
    seed_test(lambda: market_v0.env(**arguments), num_cycles=10)


def test_render(arguments: dict[str, Any]) -> None:
    render_test(lambda render_mode: market_v0.env(**arguments, render_mode=render_mode))


def test_the_module_has_the_three_names_of_pettingzoo() -> None:
    assert isinstance(market_v0.parallel_env(), MarketParallelEnv)
    assert isinstance(market_v0.raw_env(), pettingzoo.AECEnv)
    assert isinstance(market_v0.env(), pettingzoo.AECEnv)


def test_there_and_back_through_aec_is_the_same_game(arguments: dict[str, Any]) -> None:
    played = episode(market(**arguments), 3, any_rate(np.random.default_rng(5)))
    there_and_back = aec_to_parallel(parallel_to_aec(market(**arguments)))
    repeated = episode(there_and_back, 3, any_rate(np.random.default_rng(5)))
    assert len(played) == 2 + MarketConfig(**arguments).n_steps + 1
    for left, right in zip(played[2:-1], repeated[2:-1], strict=True):
        assert same(left[0], right[0])
        assert left[1] == right[1]


@pytest.mark.skipif(not hasattr(pettingzoo, "make"), reason="PettingZoo before 1.27 has no registry")
def test_the_registry_makes_both_kinds_with_the_arguments_of_the_game() -> None:
    assert GAME_ID in GAMES
    made = pettingzoo.make("parallel", GAME_ID, n_agents=3, impact="linear", max_rate=2.0)
    assert isinstance(made, MarketParallelEnv)
    assert (made.config, made.max_rate) == (MarketConfig(n_agents=3, impact="linear"), 2.0)
    assert isinstance(pettingzoo.make("aec", GAME_ID, n_agents=3), pettingzoo.AECEnv)


def test_whole_episodes_repeat_with_the_seed(arguments: dict[str, Any]) -> None:
    choosers = [any_rate(np.random.default_rng(7)) for _ in range(4)]
    first, second = (market(**arguments) for _ in range(2))
    played = episode(first, 42, choosers[0])
    assert same(played, episode(second, 42, choosers[1]))
    assert same(played, episode(first, 42, choosers[2]))  # nothing of an episode survives into the next one
    assert not same(played[:-1], episode(first, 43, choosers[3])[:-1])


def path_of(n_agents: int, steps: int = 4, **options: Any) -> tuple[MarketConfig, list[MarketState]]:
    scaling = "mean_field" if n_agents > 5 else "sum"
    env = market(n_agents=n_agents, impact_scaling=scaling, render_mode="ansi", **options)
    env.reset(seed=1)
    states, choose = [env.market], any_rate(np.random.default_rng(0))
    for _ in range(steps):
        env.step(choose(env, {}))
        states.append(env.market)
    return env.config, states


@pytest.mark.parametrize("n_agents", [2, MOST_LINES, MOST_LINES + 1, 1000])
def test_frames_of_an_episode_have_one_shape_and_follow_the_game(n_agents: int) -> None:
    config, states = path_of(n_agents, 10)
    frames = [rgb_frame(config, states[: k + 1]) for k in range(11)]
    assert {frame.shape for frame in frames} == {(560, 760, 3)}
    assert all(frame.dtype == np.uint8 for frame in frames)
    # Each frame adds to the last one in the price's panel, in that of the inventories, and on the clock.
    for before, after in itertools.pairwise(frames):
        changed = (before != after).any(-1)
        assert changed[60:241, 86:731].any()
        assert changed[282:489, 86:731].any()
        assert changed[:56, 680:].any()


def test_a_higher_price_is_drawn_higher_and_later_ones_more_to_the_right() -> None:
    config = MarketConfig(n_agents=2)

    def blue(price: float, step: int) -> Any:
        states = [
            MarketState(k, np.array([p]), np.zeros(1), *[np.zeros((1, 2))] * 3) for k, p in ((0, 10.0), (step, price))
        ]
        frame = rgb_frame(config, states).astype(int)
        return np.argwhere(frame[60:241, :, 2] - frame[60:241, :, 0] > 100)

    up, down, later = blue(10.5, 2), blue(9.5, 2), blue(10.5, 8)
    assert up[:, 0].mean() < 90 < down[:, 0].mean()  # the level is in the middle, 90 pixels below the top
    assert later[:, 1].max() > up[:, 1].max() + 300


@pytest.mark.parametrize(("inventory", "channel"), [(10.0, 2), (-10.0, 0)])
def test_long_is_blue_and_short_is_orange_in_the_heat_map(inventory: float, channel: int) -> None:
    held = np.zeros((1, 100))
    held[0, 50:] = inventory
    state = MarketState(0, np.array([10.0]), np.zeros(1), held, held, held)
    config = MarketConfig(n_agents=100, impact_scaling="mean_field")
    column = rgb_frame(config, [state])[283:488, 87].astype(int)
    assert (column[:95] == 255).all()
    assert (column[110:, channel] > column[110:, 2 - channel] + 30).all()
    shares = signed_colours(np.array([-2.0, -1.0, 0.0, 1.0, 2.0])).tolist()
    assert shares[0] == shares[1]
    assert shares[2] == [255] * 3
    assert shares[3] == shares[4]


@pytest.mark.parametrize(("value", "half"), [(0, 1), (0.3, 0.5), (0.5, 0.5), (14.14, 20), (0.0011, 0.002), (1e6, 1e6)])
def test_scales_are_round(value: float, half: float) -> None:
    assert nice_half(value) == pytest.approx(half, rel=1e-12)


def test_a_long_title_does_not_reach_the_clock() -> None:
    config, states = path_of(2, 1, horizon=1 / 3, dt=1 / 3000, price_level=1e12)
    assert (rgb_frame(config, states)[:56, 728:] == 255).all()
    assert (rgb_frame(config, states)[:56, 672:688] == 255).all()


def test_the_text_of_a_small_market() -> None:
    config = MarketConfig(n_agents=2)
    arrays = [np.array([[3.0, -1.25]]), np.array([[2.0, 0.0]]), np.array([[-10.0, 12.5]])]
    path = [
        MarketState(0, np.array([10.0]), np.array([0.0]), arrays[1], arrays[1], np.zeros((1, 2))),
        MarketState(1, np.array([10.25]), np.array([-0.0125]), arrays[0], arrays[1], arrays[2]),
    ]
    assert ansi_frame(config, path).split("\n") == [
        "Decision 1 of 10, hour 0.5 of 5: price 10.250, of which -0.013 transient impact",
        "      hour         price        impact   held by all",
        "         0       10.0000        0.0000        2.0000",
        "       0.5       10.2500       -0.0125        1.7500",
        "    trader     inventory          cash        wealth",
        "   agent_0        3.0000      -10.0000       20.7500",
        "   agent_1       -1.2500       12.5000       -0.3125",
    ]


def test_a_text_lists_the_last_steps_and_the_largest_inventories() -> None:
    config, states = path_of(1000, 30, dt=0.1)
    lines = ansi_frame(config, states).split("\n")
    assert len(lines) == 1 + 1 + 20 + 1 + 20 + 1
    assert lines[2].split()[0] == "1.1"
    assert lines[-1] == "and 980 with smaller inventories"
    smallest = min(abs(float(line.split()[1])) for line in lines[23:-1])
    assert np.sum(abs(states[-1].inventory) > smallest + 1e-4) < 20


@pytest.mark.parametrize("mode", ["rgb_array", "human", "ansi"])
def test_rendering_changes_nothing(mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    env = market(render_mode=mode)
    env.reset(seed=1)
    for _ in range(2):
        before = env.get_state()
        frame = env.render()
        assert same_snapshot(before, env.get_state())
        printed = capsys.readouterr().out
        if mode == "rgb_array":
            assert (frame.dtype, frame.ndim, frame.shape[2]) == (np.uint8, 3, 3)
        else:
            assert isinstance(frame, str) == (mode == "ansi")
            assert bool(printed) == (mode == "human")
        env.step(everybody(env, 1))


def test_rendering_goes_on_after_a_snapshot_and_needs_a_mode() -> None:
    env, other = market(render_mode="ansi"), market(render_mode="ansi")
    env.reset(seed=1)
    env.step(everybody(env, 1))
    other.set_state(env.get_state())
    assert other.render().split("\n")[0] == env.render().split("\n")[0]
    env.reset()
    other.reset()
    assert other.render() == env.render()  # nothing is left of the last episode
    assert len(env.render().split("\n")) == 1 + 1 + 1 + 1 + 5
    plain = market()
    plain.reset(seed=1)
    with pytest.raises(ValueError, match=r"^render\(\) needs a render_mode"):
        plain.render()
