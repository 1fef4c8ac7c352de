"""The mean-field-type games' dictionary interface, line by line of its contract, and snapshots in mid-episode."""

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box

from mpgg_env import CoalitionParallelEnv, MeanFieldMPGGConfig, MPGGConfig, PopulationMatchingConfig
from mpgg_env.games.mean_field.mpgg.rules import COOPERATION
from tests.mean_field_games import DOORS, VARIANTS, any_point, begun, door, made, still
from tests.support import episode, exactly, finish, same

every_variant = pytest.mark.parametrize("variant", VARIANTS)
COMMON = ("discount", "discounted_return")


def seeded(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@every_variant
def test_observations_are_flat_float32_within_the_space(variant: str) -> None:
    env = made(variant)
    observations, infos = env.reset(seed=1)
    seen = [observations, *(step[0] for step in finish(env, any_point(seeded(0)), infos))]
    assert len(seen) == env.config.max_cycles + 1
    for dicts in seen:
        assert list(dicts) == env.possible_agents
        for agent, observation in dicts.items():
            space = env.observation_space(agent)
            assert isinstance(space, Box)
            assert observation.dtype == np.float32
            assert space.contains(observation)
            assert space is env.observation_space(agent)
            assert env.action_space(agent) is env.action_space(agent)
            others = [seen for other, seen in dicts.items() if other != agent]
            assert not any(np.shares_memory(observation, other) for other in others)


def test_an_observation_is_all_distributions_and_the_home() -> None:
    env = made("rooms")
    observations, _ = env.reset(seed=3, options={"home": 2})
    expected = np.concatenate([*env.distributions, [0, 0, 1, 0]]).astype(np.float32)
    assert same(observations, dict.fromkeys(env.possible_agents, expected))
    assert env.context == 2
    assert same(env.state(), expected)
    assert env.state_space.contains(env.state())


def test_an_own_observation_is_the_own_distribution_and_the_home_for_those_who_have_one() -> None:
    env = made("rooms, own sight")
    observations, _ = env.reset(seed=3, options={"home": 1})
    first, second = (mu.astype(np.float32) for mu in env.distributions)
    assert same(observations["coalition_0"], first)
    assert same(observations["coalition_1"], np.concatenate([second, np.float32([0, 1, 0, 0])]))
    env = begun("cyber, own sight")
    assert [env.observation_space(a).shape for a in env.agents] == [(4,), (2,)]
    assert env.state().shape == (6,)


def test_shapes_of_all_games() -> None:
    expected = {
        "population_matching": ([(3, 3)] * 2, 6),
        "four_rooms": ([(100, 5)] * 2, 204),
        "predator_prey": ([(25, 5)] * 4, 100),
        "distribution_planning": ([(25, 5)] * 2, 50),
        "cyber_security": ([(4, 2), (2, 2)], 6),
        "mpgg": ([(9, 6)] * 2, 18),
    }
    assert {f"mftg/{name}-v0" for name in expected} == set(DOORS)
    for name, (shapes, size) in expected.items():
        env = door(name).parallel_env()
        assert env.possible_agents == [f"coalition_{i}" for i in range(len(shapes))]
        assert [env.action_space(a).shape for a in env.possible_agents] == shapes
        for agent in env.possible_agents:
            space = env.action_space(agent)
            assert (space.dtype, space.low.min(), space.high.max()) == (np.float32, 0, 1)
            assert env.observation_space(agent).shape == (size,)
        assert env.metadata["name"] == str(env) == f"mftg_{name}_v0"


@every_variant
def test_infos_are_fresh_and_have_the_same_float_keys_from_reset_on(variant: str) -> None:
    env = made(variant)
    _, infos = env.reset(seed=1)
    keys = (*COMMON, "cooperation", "welfare") if "mpgg" in str(env) else COMMON
    assert all(math.copysign(1, info["discounted_return"]) == 1 for info in infos.values())
    for step in finish(env, any_point(seeded(1)), infos):
        kept = {id(info) for info in infos.values()}
        assert len(kept) == len(env.possible_agents)
        assert kept.isdisjoint(id(info) for info in step[4].values())
        infos = step[4]
        assert {tuple(info) for info in infos.values()} == {keys}
        assert {type(value) for info in infos.values() for value in info.values()} == {float}
        assert {type(reward) for reward in step[1].values()} == {float}
        assert all(info["discount"] == env.config.discount for info in infos.values())


def test_discounted_returns_add_up() -> None:
    env = made("chase")
    _, infos = env.reset(seed=2)
    steps = finish(env, any_point(seeded(2)), infos)
    for agent in env.possible_agents:
        expected = sum(0.95**t * step[1][agent] for t, step in enumerate(steps))
        assert steps[-1][4][agent]["discounted_return"] == pytest.approx(expected, rel=1e-12)


# Two casinos (gain 2.5, cost 1). Coalition 0, 1/4 of all agents, is in the first and cooperates. Of coalition 1 1/4 is
# in the first, and the others, in the second, cooperate. Crowds 1/4 + 3/16 = 7/16 and 9/16.
# Casino 0: x = (1/4) / (7/16) = 4/7, pays 10/7; casino 1: x = 1, pays 5/2.
# Rewards 10/7 - 1 = 3/7 and (1/4) 10/7 + (3/4) 5/2 - 3/4 = 83/56; welfare (1/4) 3/7 + (3/4) 83/56 = 39/32.
def test_cooperation_and_welfare_by_hand() -> None:
    rules = {"grid_shape": (1, 2), "cost": (1.0, 1.0), "gain": (2.5, 2.5), "weights": (0.25, 0.75)}
    env = door("mpgg").parallel_env(**rules)
    _, infos = env.reset(options={"mu0": [[1, 0], [0.25, 0.75]]})
    assert [info["welfare"] for info in infos.values()] == [0, 0]
    actions = still(env)
    actions["coalition_0"][:, COOPERATION] = 1
    actions["coalition_1"][1, COOPERATION] = 1
    _, rewards, _, _, infos = env.step(actions)
    assert list(rewards.values()) == pytest.approx([3 / 7, 83 / 56], rel=1e-14)
    assert [info["cooperation"] for info in infos.values()] == [1, 0.75]
    assert [info["welfare"] for info in infos.values()] == pytest.approx([39 / 32] * 2, rel=1e-14)


@every_variant
def test_writing_into_what_a_step_gave_changes_nothing_later(variant: str) -> None:
    spoilt, choose = made(variant), any_point(seeded(4))
    observations, infos = spoilt.reset(seed=4)
    while spoilt.agents:
        observations["coalition_0"][:] = -1
        infos["coalition_0"]["discounted_return"] = 99.0
        spoilt.distributions[0][:] = 5
        last = spoilt.step(choose(spoilt, infos))
        observations, infos = last[0], last[4]
    assert same(last, episode(made(variant), 4, any_point(seeded(4)))[-2])


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int8, np.uint64, "list", "torch", "fortran"])
def test_actions_come_in_any_real_type(kind: Any) -> None:
    table = np.array([[1, 0, 0], [0, 0, 1], [0, 1, 0]])
    convert = {"list": table.tolist, "torch": lambda: torch.tensor(table), "fortran": lambda: np.asfortranarray(table)}
    given = convert[kind]() if isinstance(kind, str) else table.astype(kind)
    left, right = begun("matching"), begun("matching")
    expected = left.step(dict.fromkeys(left.agents, table.astype(float)))
    assert same(expected, right.step(dict.fromkeys(right.agents, given)))


def test_actions_are_used_in_double_precision_and_not_changed() -> None:
    env = made("matching", noise=(1.0, 0.0, 0.0))
    env.reset(options={"mu0": [[1, 0, 0], [1, 0, 0]]})
    action = np.array([[0.1, 0.2, 0.0], [1, 0, 0], [1, 0, 0]])
    given = action.copy()
    env.step(dict.fromkeys(env.agents, given))
    assert same(given, action)
    assert env.distributions[0].tolist() == [0.1 / (0.1 + 0.2), 0, 0.2 / (0.1 + 0.2)]  # left of 0 is 2


def test_rows_of_zeros_become_uniform() -> None:
    env = made("matching", noise=(1.0, 0.0, 0.0))
    env.reset(options={"mu0": [[1, 0, 0], [0, 1, 0]]})
    env.step(still(env))
    np.testing.assert_allclose(env.distributions, np.full((2, 3), 1 / 3), rtol=0, atol=1e-15)


IN_RANGE = np.full((3, 3), 0.5)
NEGATIVE, LARGE, UNKNOWN = IN_RANGE.copy(), IN_RANGE.copy(), IN_RANGE.copy()
NEGATIVE[0, 2], LARGE[2, 1], UNKNOWN[1, 0] = -1e-9, 1.5, np.nan


@pytest.mark.parametrize(
    ("action", "error", "text"),
    [
        (NEGATIVE, ValueError, "the action of coalition_1 must be in [0, 1], got -1e-09 in row 0, column 2"),
        (LARGE, ValueError, "the action of coalition_1 must be in [0, 1], got 1.5 in row 2, column 1"),
        (UNKNOWN, ValueError, "the action of coalition_1 must be in [0, 1], got nan in row 1, column 0"),
        (np.full(9, 0.5), ValueError, "the action of coalition_1 must have shape (3, 3), got (9,)"),
        (np.full((1, 3, 3), 0.5), ValueError, "the action of coalition_1 must have shape (3, 3), got (1, 3, 3)"),
        (IN_RANGE > 0, TypeError, "the action of coalition_1 must be of real numbers, got an array of bool"),
        ("a", TypeError, "the action of coalition_1 must be of real numbers, got an array of <U1"),
        (None, TypeError, "the action of coalition_1 must be of real numbers, got an array of object"),
        (1j * IN_RANGE, TypeError, "the action of coalition_1 must be of real numbers, got an array of complex128"),
    ],
)
def test_wrong_actions_are_refused_and_change_nothing(action: Any, error: type[Exception], text: str) -> None:
    env = begun("matching")
    before = env.get_state()
    with pytest.raises(error, match=exactly(text)):
        env.step({"coalition_0": IN_RANGE, "coalition_1": action})
    assert same(before, env.get_state())


def test_the_set_of_agents_is_checked() -> None:
    env = begun("matching")
    with pytest.raises(ValueError, match=exactly("the action of 'coalition_1' is missing")):
        env.step({"coalition_0": IN_RANGE})
    with pytest.raises(ValueError, match=exactly("unknown agent 'coalition_2'; did you mean 'coalition_1'?")):
        env.step({f"coalition_{i}": IN_RANGE for i in range(3)})


@every_variant
def test_the_episode_ends_by_truncation_for_all(variant: str) -> None:
    env = made(variant)
    env.max_cycles = 3
    _, infos = env.reset(seed=1)
    agents = env.agents
    steps = finish(env, any_point(seeded(1)), infos)
    assert [set(step[3].values()) for step in steps] == [{False}, {False}, {True}]
    assert all(set(step[2].values()) == {False} for step in steps)
    assert all(list(part) == agents for step in steps for part in step)
    with pytest.raises(RuntimeError, match=r"call reset\(\)"):
        env.step(still(env))
    env.reset()
    assert env.agents == env.possible_agents
    assert env.agents is not env.possible_agents
    assert env.agents is not agents


def test_max_cycles_can_be_assigned_and_is_no_rule() -> None:
    played = {}
    for most in (8, 3, 30):
        env = made("casinos")
        assert env.max_cycles == 8
        env.max_cycles = most
        played[most] = episode(env, 1, any_point(seeded(1)))[2:-1]
    assert {most: len(steps) for most, steps in played.items()} == {8: 8, 3: 3, 30: 30}
    for whole, cut in zip(played[30], played[8], strict=False):
        assert same([whole[0], whole[1], whole[2], whole[4]], [cut[0], cut[1], cut[2], cut[4]])
    with pytest.raises(ValueError, match=r"^max_cycles must be >= 1, got 0$"):
        env.max_cycles = 0


@every_variant
def test_distributions_stay_distributions(variant: str) -> None:
    env = made(variant)
    env.max_cycles = 300
    env.reset(seed=1)
    finish(env, any_point(seeded(1)), {})
    for mu, (states, _) in zip(env.distributions, env.batch.shapes, strict=True):
        assert (mu.dtype, mu.shape) == (np.float64, (states,))
        assert mu.min() >= 0
        assert abs(mu.sum() - 1) < 1e-14


def test_options_replace_what_is_drawn_and_nothing_else() -> None:
    plain, env = made("rooms"), made("rooms")
    plain.reset(seed=2)
    for options in ({"mu0": [np.eye(100)[3], np.eye(100)[4]]}, {"test_index": 1}, {"home": 3, "unknown": 1}):
        env.reset(seed=2, options=options)
        # Everything that is drawn later is the same.
        assert env.np_random.bit_generator.state == plain.np_random.bit_generator.state
        if "home" in options:
            assert env.context == 3
            assert same(env.distributions, plain.distributions)
        elif "mu0" in options:
            assert env.context == plain.context
            assert same(env.distributions, (np.eye(100)[3], np.eye(100)[4]))
    env.reset(options={"test_index": 2})
    test = env.batch.testing_state()
    assert same(env.distributions, tuple(mu[2] for mu in test.distributions))
    assert env.context == 0
    env.reset(options={"test_index": 2, "home": 1})
    assert env.context == 1
    env.reset(options={"mu0": env.distributions, "home": 0})
    assert env.context == 0


def test_initial_distributions_are_divided_by_their_sum_and_copied() -> None:
    env = made("matching")
    given = np.array([[0.2, 0.3, 0.5], [1 / 3] * 3], np.float32)
    env.reset(options={"mu0": given})
    first = env.distributions
    assert [mu.sum() for mu in first] == pytest.approx([1, 1], abs=1e-15)
    np.testing.assert_allclose(first, given, rtol=1e-6)
    given[:] = 0
    assert same(env.distributions, first)


@pytest.mark.parametrize(
    ("variant", "options", "error", "text"),
    [
        ("matching", {"mu0": [[1, 0, 0]]}, ValueError, "mu0 must have 2 distributions, one per coalition, got 1"),
        ("matching", {"mu0": 3}, TypeError, "mu0 must be a sequence with a distribution for each coalition, got 3"),
        ("matching", {"mu0": [[1, 0], [1, 0]]}, ValueError, "mu0[0] must have shape (3,), got (2,)"),
        ("matching", {"mu0": [[1, 0, 0], ["a"] * 3]}, TypeError, "mu0[1] must be of real numbers, got an array of <U1"),
        (
            "matching",
            {"mu0": [[1, 0, 0], [1, 1, 0]]},
            ValueError,
            "mu0[1] must be nonnegative with rows that sum to 1, got sums [2.]",
        ),
        (
            "matching",
            {"mu0": [[1, 0, 0], [2, -1, 0]]},
            ValueError,
            "mu0[1] must be nonnegative with rows that sum to 1, got sums [1.]",
        ),
        (
            "planning",
            {"mu0": [np.eye(25)[0], np.eye(25)[12]]},
            ValueError,
            "mu0[1] must be 0 in the states [12], where no agent can be",
        ),
        ("matching", {"test_index": 5}, ValueError, "test_index must be in [0, 4], got 5"),
        ("matching", {"test_index": 1.0}, TypeError, "test_index must be an integer, got 1.0"),
        (
            "matching",
            {"test_index": 1, "mu0": [[1, 0, 0]] * 2},
            ValueError,
            "mu0 and test_index exclude each other: both are the initial distributions",
        ),
        ("matching", {"home": 0}, ValueError, "home must not be given in a game without home rooms, got 0"),
        ("rooms", {"home": 4}, ValueError, "home must be in [0, 3], got 4"),
    ],
)
def test_wrong_options_are_refused_and_change_nothing(
    variant: str, options: dict[str, Any], error: type[Exception], text: str
) -> None:
    env = begun(variant)
    before = env.get_state()
    with pytest.raises(error, match=exactly(text)):
        env.reset(seed=5, options=options)
    assert same(before, env.get_state())


@pytest.mark.parametrize(("seed", "error"), [(-1, ValueError), (1.5, TypeError), ("1", TypeError), (True, TypeError)])
def test_wrong_seeds_are_refused(seed: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^seed must be "):
        made("matching").reset(seed=seed)


def test_before_reset_there_is_a_clear_error() -> None:
    env = made("matching", render_mode="ansi")
    calls = (lambda: env.step({}), env.state, env.render, env.get_state, lambda: env.distributions, lambda: env.context)
    for call in calls:
        with pytest.raises(RuntimeError, match=r"call reset\(\)"):
            call()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"sight": "ful"}, "sight must be one of 'full', 'own', got 'ful'; did you mean 'full'?"),
        ({"render_mode": "rgb"}, "render_mode must be one of 'rgb_array', 'human', 'ansi', got 'rgb'"),
        ({"mov_cost": 3}, "unknown argument 'mov_cost'; did you mean 'move_cost'?"),
        ({"discount": 1}, "discount must be in [0, 1), got 1"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=exactly(text)):
        door("population_matching").parallel_env(**arguments)


def test_a_wrong_configuration_is_named() -> None:
    with pytest.raises(TypeError, match=r"^config must be one of PopulationMatchingConfig, .*, got \{\}$"):
        CoalitionParallelEnv({})  # type: ignore[arg-type]
    assert CoalitionParallelEnv(PopulationMatchingConfig()).config == door("population_matching").parallel_env().config


def test_the_mpgg_takes_a_finite_game() -> None:
    game = MPGGConfig(n_agents=90, grid_shape=(2, 2), gain_range=(1.5, 4.0), boundary="wall")
    env = door("mpgg").parallel_env(game, n_coalitions=3, max_cycles=4, sight="own")
    assert env.config == MeanFieldMPGGConfig.of(game, n_coalitions=3, max_cycles=4)
    assert env.config.cell_values == game.cell_values  # the finite game's, not this class's default
    assert door("mpgg").parallel_env(env.config, max_cycles=5).config == env.config.replace(max_cycles=5)
    with pytest.raises(TypeError, match=exactly("the game must be an MPGGConfig, got 3")):
        door("mpgg").parallel_env(3)


@every_variant
@pytest.mark.parametrize("how", ["get_state", "pickle", "deepcopy"])
def test_a_copy_in_mid_episode_continues_to_the_bit(how: str, variant: str) -> None:
    for steps_before in (0, 2, made(variant).max_cycles):
        env, choose = made(variant), any_point(seeded(8))
        env.reset(seed=21)
        for _ in range(steps_before):
            env.step(choose(env, {}))
        if how == "get_state":
            other = made(variant)
            other.set_state(env.get_state())
        else:
            other = pickle.loads(pickle.dumps(env)) if how == "pickle" else copy.deepcopy(env)
        left, right = finish(env, any_point(seeded(9)), {}), finish(other, any_point(seeded(9)), {})
        assert len(left) == env.max_cycles - steps_before
        assert same(left, right)
        assert same(env.get_state(), other.get_state())
        assert same(env.reset(), other.reset())


def test_a_snapshot_is_not_changed_by_playing_on() -> None:
    env = begun("casinos")
    snapshot = env.get_state()
    first = finish(env, any_point(seeded(1)), {})
    for _ in range(2):
        env.set_state(snapshot)
        assert same(first, finish(env, any_point(seeded(1)), {}))
    env.set_state(snapshot)
    before = env.get_state()
    for part in (*snapshot["distributions"], snapshot["discounted_return"], snapshot["measures"]):
        part[:] = 7
    assert same(before, env.get_state())


ROOMS = begun("rooms").get_state()["distributions"]
SPOILT: list[tuple[str, Any, type[Exception], str]] = [
    ("rooms", lambda s: s.pop("step"), ValueError, "the snapshot lacks step"),
    ("rooms", lambda s: s.update(extra=1), ValueError, "unknown part of a snapshot 'extra'"),
    ("rooms", lambda s: s.update(max_cycles=0), ValueError, "max_cycles must be >= 1, got 0"),
    ("rooms", lambda s: s.update(live=1), TypeError, "live must be True or False, got 1"),
    ("rooms", lambda s: s.update(step=6), ValueError, "live must be False after the last of the 6 steps, got True"),
    ("rooms", lambda s: s.update(step=-1), ValueError, "step must be >= 0, got -1"),
    ("rooms", lambda s: s.update(context=4), ValueError, "context must be in [0, 3], got 4"),
    ("rooms", lambda s: s.update(context=None), TypeError, "context must be an integer, got None"),
    ("matching", lambda s: s.update(context=0), ValueError, "context must be None in this game, got 0"),
    ("rooms", lambda s: s.update(distributions=[]), TypeError, "distributions must be a tuple, got list"),
    (
        "rooms",
        lambda s: s.update(distributions=ROOMS[:1]),
        ValueError,
        "distributions must be 2, one per coalition, got 1",
    ),
    (
        "rooms",
        lambda s: s.update(distributions=(ROOMS[0], ROOMS[1][:5])),
        ValueError,
        "distributions[1] must have shape (100,), got (5,)",
    ),
    (
        "rooms",
        lambda s: s.update(distributions=(ROOMS[0], np.zeros(100))),
        ValueError,
        "distributions[1] must be nonnegative with rows that sum to 1, got sums [0.]",
    ),
    (
        "rooms",
        lambda s: s.update(discounted_return=np.zeros(2, int)),
        TypeError,
        "discounted_return must be an array of float64, got an array of int64",
    ),
    (
        "casinos",
        lambda s: s.update(measures=np.full((2, 2), np.inf)),
        ValueError,
        "measures must be finite, got inf",
    ),
    ("rooms", lambda s: s.update(generator={}), ValueError, "generator must be the state of a PCG64, got {}"),
    ("rooms", lambda s: s.update(config={}), ValueError, "config must have the fields of FourRoomsConfig, got {}"),
    (
        "rooms",
        lambda s: s["config"].update(noise=0.2),
        ValueError,
        "the snapshot is of another game: its noise is 0.2, here it is 0.1",
    ),
]


@pytest.mark.parametrize(("variant", "spoil", "error", "text"), SPOILT, ids=[text for *_, text in SPOILT])
def test_wrong_snapshots_are_refused_and_change_nothing(
    variant: str, spoil: Any, error: type[Exception], text: str
) -> None:
    env = begun(variant)
    before, snapshot = env.get_state(), env.get_state()
    spoil(snapshot)
    with pytest.raises(error, match=f"^{exactly(text)[1:-1]}"):
        env.set_state(snapshot)
    assert same(before, env.get_state())


def test_a_snapshot_that_is_no_dict_is_refused() -> None:
    with pytest.raises(TypeError, match=exactly("the snapshot must be a dict from get_state(), got int")):
        begun("matching").set_state(3)  # type: ignore[arg-type]
