"""The market's dictionary interface, line by line of its contract, and snapshots in mid-episode."""

import copy
import math
import pickle
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box

from mpgg_env import IllPosedMarketWarning, MarketConfig, MarketParallelEnv, market_v0
from tests.market_games import MARKETS, any_rate, everybody, market
from tests.support import episode, exactly, finish, same

KEYS = ("cash", "inventory", "price", "impact", "running_cost", "terminal_cost")


def seeded(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def begun(**arguments: Any) -> MarketParallelEnv:
    env = market(**arguments)
    env.reset(seed=0)
    return env


@pytest.mark.parametrize("obs_scale", ["natural", "standard"])
@pytest.mark.parametrize("options", MARKETS.values(), ids=MARKETS)
def test_observations_are_flat_float32_within_the_space(options: dict[str, Any], obs_scale: str) -> None:
    env = market(**options, obs_scale=obs_scale)
    observations, infos = env.reset(seed=1)
    seen = [observations, *(step[0] for step in finish(env, any_rate(seeded(0)), infos))]
    assert len(seen) == env.config.n_steps + 1
    for dicts in seen:
        for agent in env.possible_agents:
            space = env.observation_space(agent)
            assert isinstance(space, Box)
            assert dicts[agent].dtype == np.float32
            assert space.contains(dicts[agent])
            assert space is env.observation_space(agent)
            assert env.action_space(agent) is env.action_space(agent)
    space = env.observation_space("agent_0")
    assert seen[0]["agent_0"][0] == space.high[0]
    assert seen[-1]["agent_0"][0] == space.low[0]


# By hand, in the paper's mode: S - Y = 10.742 - .05 = 10.692, standard (10.692 - 10) / .742; the others have bought
# (2 + 4) / 2 at dt = 1/2: the rates were 4 and 8.
def test_an_observation_worked_out_by_hand_in_both_scales() -> None:
    fixed = {"n_agents": 3, "permanent_impact": 0.0, "impact": "none", "transient_decay": 0.0, "mean_reversion": 0.0}
    for scale, expected in {
        "natural": [4.5, 10.692, -3.5, 0.05, 3.0],
        "standard": [2.25 / 1.4361, 0.692 / 0.742, -1.4, 0.5, 3.0],
    }.items():
        env = market(**fixed, obs_scale=scale)
        env.reset(options={"inventory": [-4, 1, 2], "price": 10.742, "impact": 0.05, "noise": np.zeros(10)})
        observations = env.step({"agent_0": 1, "agent_1": 4, "agent_2": 8})[0]
        np.testing.assert_allclose(observations["agent_0"], expected, rtol=1e-6)


def test_full_observations_hold_the_others_in_their_order() -> None:
    env = market(n_agents=4, observation="full")
    observations, _ = env.reset(options={"inventory": [1, 2, 3, 4], "price": 10.5, "impact": 0.25})
    assert observations["agent_0"].tolist() == [5, 0.5, 0.25, 1, 2, 3, 4]
    assert observations["agent_2"].tolist() == [5, 0.5, 0.25, 3, 1, 2, 4]
    env = market(n_agents=4, observation="full_mean")
    observations, _ = env.reset(options={"inventory": [1, 2, 3, 4], "price": 10.5, "impact": 0.25})
    assert observations["agent_3"].tolist() == [5, 0.5, 0.25, 4, 2]


@pytest.mark.parametrize("options", MARKETS.values(), ids=MARKETS)
def test_equation_22_follows_from_the_infos_alone(options: dict[str, Any]) -> None:
    env = market(**options)
    _, first = env.reset(seed=3)
    steps = finish(env, any_rate(seeded(3)), first)
    for k, (_, _, _, _, infos) in enumerate(steps):
        for i, agent in enumerate(env.possible_agents):
            earned = sum(step[1][agent] for step in steps[: k + 1])
            # Before the end it holds as well, with what has been charged so far.
            expected = market_v0.total_reward(infos[agent]) - first[agent]["inventory"] * first[agent]["price"]
            assert math.isclose(earned, expected, rel_tol=1e-9, abs_tol=1e-9)
            # The formula itself, from the rules' own numbers.
            _, b2, b3 = env.config.preferences[i]
            path = [step[4][agent]["inventory"] for step in steps[: k + 1]]
            last = infos[agent]
            final = b2 * path[-1] ** 2 if k == env.config.n_steps - 1 else 0.0
            held = sum(b3 * env.config.dt * q**2 for q in path)
            by_hand = last["cash"] + path[-1] * last["price"] - final - held
            assert math.isclose(by_hand, market_v0.total_reward(last), rel_tol=1e-12, abs_tol=1e-12)


def test_infos_are_fresh_and_have_the_same_float_keys_from_reset_on() -> None:
    env = market()
    _, infos = env.reset(seed=1)
    for step in finish(env, any_rate(seeded(1)), infos):
        kept = {id(info) for info in infos.values()}
        assert len(kept) == 5
        assert kept.isdisjoint(id(info) for info in step[4].values())
        infos = step[4]
        assert {tuple(info) for info in infos.values()} == {KEYS}
        assert {type(value) for info in infos.values() for value in info.values()} == {float}
        assert {type(reward) for reward in step[1].values()} == {float}


def test_costs_are_0_and_not_minus_0_before_they_are_charged() -> None:
    _, infos = market().reset(seed=0)
    charged = [infos["agent_0"][name] for name in ("cash", "running_cost", "terminal_cost")]
    assert [math.copysign(1, value) for value in charged] == [1, 1, 1]


def test_writing_into_what_a_step_gave_changes_nothing_later() -> None:
    spoilt, choose = market(), any_rate(seeded(4))
    observations, infos = spoilt.reset(seed=4)
    while spoilt.agents:
        observations["agent_0"][:] = -1
        infos["agent_0"]["cash"] = 99.0
        spoilt.market.inventory[:] = 5
        last = spoilt.step(choose(spoilt, infos))
        observations, infos = last[0], last[4]
    assert same(last, episode(market(), 4, any_rate(seeded(4)))[-2])


@pytest.mark.parametrize(
    "rate",
    [
        2,
        2.0,
        np.float32(2),
        np.array(2.0, np.float16),
        np.array([2.0], np.float32),
        np.array([2], np.int8),
        torch.tensor([2.0]),
        Fraction(2),
        [2.0],
    ],
)
def test_rates_come_as_any_real_number(rate: Any) -> None:
    assert same(begun().step(everybody(begun(), 2.0)), begun().step(everybody(begun(), rate)))


def test_rates_are_used_in_double_precision() -> None:
    env = begun()
    before, rate = env.market.inventory[0, 0], 1 / 3
    assert env.step({**everybody(env, 0), "agent_0": rate})[4]["agent_0"]["inventory"] == before + rate * 0.5


@pytest.mark.parametrize(
    ("rate", "error", "text"),
    [
        (np.nan, ValueError, "action of agent_2 must be finite, got nan"),
        (np.array([np.inf]), ValueError, "action of agent_2 must be finite, got inf"),
        (1e39, ValueError, "action of agent_2 must be finite, got 1e+39"),  # as infinite as its space, float32, has it
        (10**400, ValueError, "action of agent_2 must be finite, got inf"),
        (True, TypeError, "the action of agent_2 must be a real number, got True"),
        (np.array([True]), TypeError, "the action of agent_2 must be a real number, got array([ True])"),
        ("2", TypeError, "the action of agent_2 must be a real number, got '2'"),
        (2j, TypeError, "the action of agent_2 must be a real number, got 2j"),
        (None, TypeError, "the action of agent_2 must be a real number, got None"),
        (np.zeros(2), ValueError, "the action of agent_2 must have shape (1,) or (), got (2,)"),
        (np.zeros((1, 1)), ValueError, "the action of agent_2 must have shape (1,) or (), got (1, 1)"),
    ],
)
def test_wrong_rates_are_refused_and_change_nothing(rate: Any, error: type[Exception], text: str) -> None:
    env = begun()
    before = env.get_state()
    with pytest.raises(error, match=exactly(text)):
        env.step({**everybody(env, 0.0), "agent_2": rate})
    assert same_snapshot(before, env.get_state())


def test_the_set_of_agents_is_checked() -> None:
    env = begun()
    with pytest.raises(ValueError, match=exactly("the action of 'agent_4' is missing")):
        env.step({f"agent_{i}": 0 for i in range(4)})
    with pytest.raises(ValueError, match=exactly("unknown agent 'agent_5'; did you mean 'agent_4'?")):
        env.step({f"agent_{i}": 0 for i in range(6)})


@pytest.mark.parametrize("max_rate", [20.0, 0.1])
def test_a_largest_rate_bounds_the_space_and_is_enforced_not_clipped(max_rate: float) -> None:
    env = begun(max_rate=max_rate)
    space = env.action_space("agent_0")
    assert space.high.tolist() == [np.float32(max_rate)]
    assert space.low.tolist() == [-np.float32(max_rate)]
    env.step(everybody(env, space.high))  # in single precision .1 is above .1
    for wrong in (max_rate * 1.001, -max_rate * 1.001, np.nan):
        text = f"action of agent_0 must be in [-{max_rate:g}, {max_rate:g}], got {wrong}"
        with pytest.raises(ValueError, match=exactly(text)):
            env.step(everybody(env, wrong))


def test_without_a_largest_rate_the_space_has_no_bounds() -> None:
    space = market().action_space("agent_0")
    assert (space.shape, space.dtype) == ((1,), np.float32)
    assert not space.is_bounded("above")
    assert not space.is_bounded("below")


def test_the_episode_ends_by_truncation_for_all_after_the_last_decision() -> None:
    env = market(horizon=1.5)
    _, infos = env.reset(seed=1)
    agents = env.agents
    steps = finish(env, any_rate(seeded(1)), infos)
    assert [set(step[3].values()) for step in steps] == [{False}, {False}, {True}]
    assert all(set(step[2].values()) == {False} for step in steps)
    assert all(set(part) == set(agents) for step in steps for part in step)
    assert env.agents == []
    with pytest.raises(RuntimeError, match=r"call reset\(\)"):
        env.step(dict.fromkeys(agents, 0.0))
    env.reset()
    assert env.agents == env.possible_agents
    assert env.agents is not env.possible_agents
    assert env.agents is not agents


def test_max_cycles_cuts_an_episode_short_and_is_no_rule() -> None:
    played = {}
    for most in (10, 3, 1000):
        env = market()
        assert env.max_cycles == 10
        env.max_cycles = most
        played[most] = episode(env, 1, any_rate(seeded(1)))[2:-1]
    assert [len(steps) for steps in played.values()] == [10, 3, 10]
    # Cut short, nobody has paid the terminal penalty: rewards and observations are those of the whole episode.
    for whole, cut in zip(played[10][:3], played[3], strict=True):
        assert same([whole[0], whole[1], whole[2], whole[4]], [cut[0], cut[1], cut[2], cut[4]])
    assert set(played[3][-1][3].values()) == {True}
    assert played[3][-1][4]["agent_0"]["terminal_cost"] == 0
    assert same(played[10], played[1000])
    assert played[10][-1][4]["agent_0"]["terminal_cost"] > 0
    with pytest.raises(ValueError, match=r"^max_cycles must be >= 1, got 0$"):
        env.max_cycles = 0


def test_options_replace_what_is_drawn_and_nothing_else() -> None:
    noise = seeded(0).normal(size=10)
    plain, env = market(), market()
    plain.reset(seed=2)
    _, infos = env.reset(seed=2, options={"inventory": np.arange(5), "unknown": 1})
    assert [info["inventory"] for info in infos.values()] == [0, 1, 2, 3, 4]
    assert infos["agent_0"]["price"] == plain.market.price[0]
    assert infos["agent_0"]["impact"] == plain.market.impact[0]
    # The shocks of the price are the same, and so is all that is drawn later.
    for one in (plain, env):
        finish(one, lambda e, _: everybody(e, 0.0), {})
    assert env.market.price[0] == plain.market.price[0]
    assert same(env.reset(), plain.reset())
    _, infos = env.reset(options={"price": 9, "impact": np.float32(0.5), "noise": noise})
    assert (infos["agent_0"]["price"], infos["agent_0"]["impact"]) == (9.0, 0.5)
    given = noise.copy()
    noise[:] = 0
    assert same(env.get_state()["noise"], given)
    plain.reset()
    assert same(env.reset(), plain.reset())  # given shocks leave the generator where drawn ones leave it


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"inventory": [0.0] * 4}, ValueError, "inventory must have shape (5,), got (4,)"),
        ({"inventory": [0, 0, 0, 0, np.nan]}, ValueError, "inventory must be finite, got nan"),
        ({"inventory": ["a"] * 5}, TypeError, "inventory must be of real numbers, got an array of <U1"),
        ({"price": [10.0]}, ValueError, "price must have shape (), got (1,)"),
        ({"price": np.inf}, ValueError, "price must be finite, got inf"),
        ({"impact": True}, TypeError, "impact must be of real numbers, got an array of bool"),
        ({"noise": [0.0] * 9}, ValueError, "noise must have shape (10,), got (9,)"),
    ],
)
def test_wrong_options_are_refused_and_change_nothing(
    options: dict[str, Any], error: type[Exception], text: str
) -> None:
    env = begun()
    before = env.get_state()
    with pytest.raises(error, match=exactly(text)):
        env.reset(seed=5, options=options)
    assert same_snapshot(before, env.get_state())


@pytest.mark.parametrize(("seed", "error"), [(-1, ValueError), (1.5, TypeError), ("1", TypeError), (True, TypeError)])
def test_wrong_seeds_are_refused(seed: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^seed must be "):
        market().reset(seed=seed)


def test_before_reset_there_is_a_clear_error() -> None:
    env = market(render_mode="ansi")
    for call in (lambda: env.step({}), env.state, env.render, env.get_state, lambda: env.market):
        with pytest.raises(RuntimeError, match=r"call reset\(\)"):
            call()


def test_the_attributes_of_the_contract() -> None:
    env = begun(render_mode="ansi")
    assert env.render_mode == "ansi"
    assert env.possible_agents == [f"agent_{i}" for i in range(5)]
    assert env.metadata["name"] == "market_v0"
    assert env.metadata["is_parallelizable"] is True
    assert env.metadata["render_modes"] == ["rgb_array", "human", "ansi"]
    assert env.unwrapped is env
    assert isinstance(env.np_random, np.random.Generator)
    assert str(env) == "market_v0"


def test_the_global_state_holds_time_price_impact_and_inventories() -> None:
    env = market(n_agents=3, transient_decay=0, impact="none")
    env.reset(options={"inventory": [1, 2, 3], "price": 10.5, "impact": 0.25, "noise": np.zeros(10)})
    assert env.state().tolist() == [5, 10.5, 0.25, 1, 2, 3]
    env.step(everybody(env, 2.0))  # dS = .5 (10 - 10.5) .5 + .05 (6) .5 = .025
    np.testing.assert_allclose(env.state(), [4.5, 10.525, 0.25, 2, 3, 4], rtol=1e-6)
    assert env.state_space.contains(env.state())


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"obs_scale": "standart"},
            "obs_scale must be one of 'natural', 'standard', got 'standart'; did you mean 'standard'?",
        ),
        ({"max_rate": 0}, "max_rate must be in (0, 3.40282e+38], got 0"),
        ({"max_rate": np.inf}, "max_rate must be in (0, 3.40282e+38], got inf"),
        ({"render_mode": "rgb"}, "render_mode must be one of 'rgb_array', 'human', 'ansi', got 'rgb'"),
        ({"n_agent": 3}, "unknown argument 'n_agent'; did you mean 'n_agents'?"),
        ({"max_rat": 3}, "unknown argument 'max_rat'; did you mean 'max_rate'?"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=exactly(text)):
        market(**arguments)


def test_a_wrong_configuration_is_named() -> None:
    with pytest.raises(TypeError, match=r"^config must be a MarketConfig, got \{\}$"):
        MarketParallelEnv({})  # type: ignore[arg-type]
    assert MarketParallelEnv().config == MarketConfig()


def test_an_ill_posed_market_is_made_with_a_warning() -> None:
    # Impact on the sum of rates at dt = 1/2: well posed up to six traders (see the game's README).
    for make in (market, lambda **options: MarketParallelEnv(MarketConfig(**options))):
        make(impact="linear", n_agents=6)
        make(impact="linear", n_agents=9, impact_scaling="mean_field")
        with pytest.warns(IllPosedMarketWarning, match=r"the market is ill posed: in step \d of 0\.\.9"):
            env = make(impact="linear", n_agents=9)
        assert env.config.n_agents == 9


def test_many_steps_of_traders_who_differ_are_judged_by_their_mean() -> None:
    # A form per trader and step would not fit into memory.
    config = MarketConfig(
        n_agents=20, dt=5 / 14_000, impact_scaling="mean_field", transaction_cost=tuple(np.linspace(0.1, 0.2, 20))
    )
    assert MarketParallelEnv(config).max_cycles == 14_000


def same_snapshot(left: dict[str, Any], right: dict[str, Any]) -> bool:
    names = ("step", "price", "impact", "inventory", "initial_inventory", "cash")
    plain = [{**s, "state": {name: getattr(s["state"], name) for name in names}} for s in (left, right)]
    return same(*plain)


@pytest.mark.parametrize("steps_before", [0, 1, 6, 10])
@pytest.mark.parametrize("how", ["get_state", "pickle", "deepcopy"])
def test_a_copy_in_mid_episode_continues_to_the_bit(how: str, steps_before: int) -> None:
    env, choose = market(running_penalty=0.1), any_rate(seeded(8))
    env.reset(seed=21)
    for _ in range(steps_before):
        env.step(choose(env, {}))
    if how == "get_state":
        other = market(running_penalty=0.1)
        other.set_state(env.get_state())
    else:
        other = pickle.loads(pickle.dumps(env)) if how == "pickle" else copy.deepcopy(env)
    left, right = finish(env, any_rate(seeded(9)), {}), finish(other, any_rate(seeded(9)), {})
    assert len(left) == 10 - steps_before
    assert same(left, right)
    assert same_snapshot(env.get_state(), other.get_state())
    assert same(env.reset(), other.reset())


def test_a_snapshot_is_not_changed_by_playing_on() -> None:
    env = begun()
    snapshot = env.get_state()
    first = finish(env, any_rate(seeded(1)), {})
    for _ in range(2):
        env.set_state(snapshot)
        assert same(first, finish(env, any_rate(seeded(1)), {}))


def changed(**arrays: Any) -> Any:
    return lambda s: s.update(state=replace(s["state"], **arrays))


SPOILT: list[tuple[Any, type[Exception], str]] = [
    (lambda s: s.pop("noise"), ValueError, "the snapshot lacks noise"),
    (lambda s: s.update(extra=1), ValueError, "unknown part of a snapshot 'extra'"),
    (lambda s: s.update(max_cycles=0), ValueError, "max_cycles must be >= 1, got 0"),
    (lambda s: s.update(live=1), TypeError, "live must be True or False, got 1"),
    (lambda s: s.update(noise=[0.0] * 10), TypeError, "noise must be an array of float64, got list"),
    (lambda s: s.update(noise=np.zeros(9)), ValueError, "noise must have shape (10,), got (9,)"),
    (lambda s: s["noise"].fill(np.nan), ValueError, "noise must be finite, got nan"),
    (lambda s: s.update(running_cost=np.zeros(5)), ValueError, "running_cost must have shape (1, 5), got (5,)"),
    (lambda s: s.update(generator={"a": 1}), ValueError, "generator must be the state of a PCG64, got {'a': 1}"),
    (lambda s: s.update(config={}), ValueError, "config must have the fields of MarketConfig, got {}"),
    (
        lambda s: s["config"].update(dt=0.25),
        ValueError,
        "the snapshot is of another game: its dt is 0.25, here it is 0.5",
    ),
    (lambda s: s.update(state={}), TypeError, "state must be a MarketState, got dict"),
    (changed(step=11), ValueError, "step must be in [0, 10], got 11"),
    (changed(step=10), ValueError, "live must be False after the last of the 10 steps, got True"),
    (changed(price=np.zeros(2)), ValueError, "price must have shape (1,), got (2,)"),
    (
        changed(inventory=np.zeros((1, 5), np.float32)),
        TypeError,
        "inventory must be an array of float64, got an array of float32",
    ),
    (changed(cash=np.full((1, 5), np.inf)), ValueError, "cash must be finite, got inf"),
]


@pytest.mark.parametrize(("spoil", "error", "text"), SPOILT, ids=range(len(SPOILT)))
def test_a_wrong_snapshot_is_refused_and_changes_nothing(spoil: Any, error: type[Exception], text: str) -> None:
    env = begun()
    snapshot, before = env.get_state(), env.get_state()
    spoil(snapshot)
    with pytest.raises(error, match=exactly(text)):
        env.set_state(snapshot)
    assert same_snapshot(before, env.get_state())
