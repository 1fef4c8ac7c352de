"""The dictionary interface, line by line of its contract: observations, infos, rewards, episodes, attributes."""

from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import Box

from mpgg_env import MPGGConfig, MPGGParallelEnv, parallel_env
from tests.small_game import MODES, everybody, placed, same_snapshot, seeded, small
from tests.support import anything, episode, exactly, finish, legal, same


@pytest.mark.parametrize("obs_scale", ["natural", "unit"])
@pytest.mark.parametrize("mode", MODES)
def test_observations_are_flat_float32_within_the_space_and_tell_the_phase(mode: str, obs_scale: str) -> None:
    env = small(action_mode=mode, obs_scale=obs_scale)
    observations, infos = env.reset(seed=1)
    seen = [observations, *(step[0] for step in finish(env, legal(np.random.default_rng(0)), infos))]
    assert len(seen) == 21
    for cycle, dicts in enumerate(seen):
        for agent in env.possible_agents:
            assert isinstance(env.observation_space(agent), Box)
            assert dicts[agent].dtype == np.float32
            assert dicts[agent].shape == (8,)
            assert env.observation_space(agent).contains(dicts[agent])
            assert dicts[agent][:2].tolist() == ([1, 0] if cycle % 2 == 0 else [0, 1])


# By hand: 4 agents in casino 5 = (row 1, column 2) of 2 x 3 casinos with c = 1 and r = 6, three of whom cooperate.
def test_an_observation_worked_out_by_hand_in_both_scales() -> None:
    for scale, expected in {
        "natural": [0, 1, 1, 2, 1, 6, 4, 3],
        "unit": [0, 1, 1, 1, 1, 1, 1, 0.75],
    }.items():
        env = small(n_agents=4, obs_scale=scale)
        env.reset(options={"positions": [5, 5, 5, 5]})
        observations = env.step({"agent_0": 0, "agent_1": 1, "agent_2": 1, "agent_3": 1})[0]
        assert observations["agent_0"].tolist() == expected
        assert env.observation_space("agent_0").high.tolist() == ([1, 1, 1, 2, 1, 6, 4, 4], [1] * 8)[scale == "unit"]


@pytest.mark.parametrize(
    ("fields", "game", "migration"),
    [
        ({}, [7, 0], [7, 7]),
        ({"obs_game": "m_n_nC", "obs_migration": "m_n"}, [7, 7], [7, 0]),
        ({"obs_game": "m", "obs_migration": "m"}, [0, 0], [0, 0]),
    ],
)
def test_hidden_counts_are_zero(fields: dict[str, Any], game: list[int], migration: list[int]) -> None:
    env = placed(0, **fields)
    after_game = env.step(everybody(env, 1))[0]
    after_migration = env.step(everybody(env, 0))[0]
    assert after_game["agent_3"][6:].tolist() == migration
    assert after_migration["agent_3"][6:].tolist() == game


def test_last_rounds_cooperators_are_those_who_are_present_now() -> None:
    env = small(n_agents=3, grid_shape=(1, 3), obs_game="m_n_nC", boundary="wall")
    observations, _ = env.reset(options={"positions": [0, 0, 2]})
    assert [observations[agent][7] for agent in env.agents] == [0, 0, 0]
    env.step({"agent_0": 1, "agent_1": 0, "agent_2": 1})
    observations = env.step({"agent_0": 4, "agent_1": 4, "agent_2": 3})[0]  # right, right, left: all in casino 1
    assert [observations[agent][6:].tolist() for agent in env.agents] == [[3, 2]] * 3


def test_infos_are_fresh_and_have_the_same_numeric_keys_from_reset_on() -> None:
    env = small()
    _, infos = env.reset(seed=1)
    for step in [*finish(env, anything(seeded(1)), infos)]:
        kept = {id(info) for info in infos.values()}
        assert len(kept) == 7
        assert kept.isdisjoint(id(info) for info in step[4].values())
        infos = step[4]
        assert {tuple(info) for info in infos.values()} == {("action_mask", "illegal")}
        assert {type(info["illegal"]) for info in infos.values()} == {int}


def test_no_agent_shares_memory_with_another() -> None:
    env = small()
    for observations, infos in (env.reset(), env.step(everybody(env, 0))[::4]):
        for part in (observations, {agent: info["action_mask"] for agent, info in infos.items()}):
            part["agent_0"][:] = 9
            assert not any((part[agent] == 9).any() for agent in env.possible_agents[1:])


def test_writing_into_what_a_step_gave_changes_nothing_later() -> None:
    def spoiling(env: Any, infos: Any) -> dict[str, int]:
        actions = choose(env, infos)
        for info in infos.values():
            info["action_mask"][:] = 7
            info["late"] = "text"
        return actions

    choose = legal(seeded(4))
    spoilt = small()
    observations, infos = spoilt.reset(seed=4)
    observations["agent_0"][:] = -1
    last = finish(spoilt, spoiling, infos)[-1]
    assert same(last, episode(small(), 4, legal(seeded(4)))[-2])


@pytest.mark.parametrize("mode", MODES)
def test_the_game_phase_pays_python_floats_and_the_migration_phase_nothing(mode: str) -> None:
    env = small(action_mode=mode, cost_range=(0.5, 1.0))
    _, infos = env.reset(seed=1)
    steps = finish(env, legal(seeded(1)), infos)
    for cycle, (_, rewards, *_) in enumerate(steps):
        assert {type(reward) for reward in rewards.values()} == {float}
        assert any(rewards.values()) == (cycle % 2 == 0)


def test_the_episode_ends_by_truncation_for_all_at_once() -> None:
    env = small(max_cycles=3)
    _, infos = env.reset(seed=1)
    agents = env.agents
    steps = finish(env, legal(seeded(1)), infos)
    assert [set(step[3].values()) for step in steps] == [{False}, {False}, {True}]
    assert all(set(step[2].values()) == {False} for step in steps)
    assert all(set(part) == set(agents) for step in steps for part in step)
    assert env.agents == []
    with pytest.raises(RuntimeError, match=r"call reset\(\)"):
        env.step({})
    env.reset()
    assert env.agents == env.possible_agents
    assert env.agents is not env.possible_agents
    assert env.agents is not agents


def test_max_cycles_can_be_assigned_and_is_checked() -> None:
    env = small()
    assert env.max_cycles == 20
    env.max_cycles = 5
    _, infos = env.reset(seed=1)
    assert len(finish(env, legal(seeded(1)), infos)) == 5
    with pytest.raises(ValueError, match=r"^max_cycles must be >= 1, got 0$"):
        env.max_cycles = 0
    with pytest.raises(TypeError, match=r"^max_cycles must be an integer, got 2\.5$"):
        env.max_cycles = 2.5  # type: ignore[assignment]


def test_max_cycles_below_the_steps_played_ends_the_episode_with_the_next_step() -> None:
    env = placed(0)
    for _ in range(4):
        env.step(everybody(env, 0))
    env.max_cycles = 2
    assert set(env.step(everybody(env, 0))[3].values()) == {True}
    assert env.agents == []


def test_before_reset_there_is_a_clear_error() -> None:
    env = small()
    with pytest.raises(RuntimeError, match=r"call reset\(\)"):
        env.step(everybody(env, 0))
    with pytest.raises(RuntimeError, match=r"call reset\(\)"):
        env.positions  # noqa: B018 - reading is what fails


def test_positions_of_the_options_are_taken_as_they_are() -> None:
    env = small()
    places = [5, 0, 0, 3, 3, 3, 1]
    observations, _ = env.reset(seed=1, options={"positions": places, "unknown": 1})
    assert env.positions.tolist() == places
    assert env.occupancy.tolist() == [2, 1, 0, 3, 0, 1]
    assert observations["agent_0"][2:4].tolist() == [1, 2]
    env.reset(seed=1, options={"positions": np.array(places, np.uint8)})
    assert env.positions.tolist() == places


@pytest.mark.parametrize(
    ("positions", "error", "text"),
    [
        ([0] * 6, ValueError, r"positions must give a casino for each of the 7 agents, got (6,)"),
        ([0] * 6 + [6], ValueError, r"positions must be in [0, 5], got 6"),
        ([0] * 6 + [-1], ValueError, r"positions must be in [0, 5], got -1"),
        ([0.0] * 7, TypeError, r"positions must be integer casinos, got an array of float64"),
        ([True] * 7, TypeError, r"positions must be integer casinos, got an array of bool"),
        (3, ValueError, r"positions must give a casino for each of the 7 agents, got ()"),
    ],
)
def test_wrong_positions_are_refused_and_change_nothing(positions: Any, error: type[Exception], text: str) -> None:
    env = placed(2)
    before = env.get_state()
    with pytest.raises(error, match=exactly(text)):
        env.reset(seed=5, options={"positions": positions})
    assert same_snapshot(before, env.get_state())


@pytest.mark.parametrize(("seed", "error"), [(-1, ValueError), (1.5, TypeError), ("1", TypeError), (True, TypeError)])
def test_wrong_seeds_are_refused(seed: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^seed must be "):
        small().reset(seed=seed)


def test_drop_leaves_only_the_agents_that_play() -> None:
    env = small(remainder="drop")
    env.reset()
    assert env.possible_agents == [f"agent_{i}" for i in range(6)]
    assert env.occupancy.tolist() == [1] * 6


def test_the_attributes_of_the_contract() -> None:
    env = small(render_mode="ansi")
    assert env.render_mode == "ansi"
    assert env.possible_agents == [f"agent_{i}" for i in range(7)]
    assert env.metadata["name"] == "migratory_public_goods_v0"
    assert env.metadata["is_parallelizable"] is True
    assert env.metadata["render_modes"] == ["rgb_array", "human", "ansi"]
    assert env.unwrapped is env
    env.reset(seed=9)
    assert isinstance(env.np_random, np.random.Generator)
    assert str(env) == "migratory_public_goods_v0"


@pytest.mark.parametrize(
    "name", ["positions", "occupancy", "cooperators", "cost", "gain", "phase", "round", "np_random"]
)
def test_what_is_public_is_read_only(name: str) -> None:
    env = placed(0)
    value = getattr(env, name)
    with pytest.raises(AttributeError):
        setattr(env, name, value)


def test_public_arrays_are_copies() -> None:
    env = placed(0)
    names = ("positions", "occupancy", "cooperators", "cost", "gain")
    for name in names:
        getattr(env, name)[:] = 99
    assert [99 in getattr(env, name) for name in names] == [False] * 5
    assert [getattr(env, name).shape for name in names] == [(7,), (6,), (6,), (6,), (6,)]


def test_phase_and_round_follow_the_steps() -> None:
    env = placed(0)
    told = [(env.phase, env.round)]
    for _ in range(4):
        env.step(everybody(env, 0))
        told.append((env.phase, env.round))
    assert told == [("game", 0), ("migration", 0), ("game", 1), ("migration", 1), ("game", 2)]
    env.reset()
    assert (env.phase, env.round) == ("game", 0)


def test_the_global_state_holds_phase_occupancy_and_cooperators() -> None:
    env = small(n_agents=3)
    env.reset(options={"positions": [0, 0, 5]})
    assert env.state().tolist() == [1, 0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    env.step({"agent_0": 1, "agent_1": 0, "agent_2": 1})
    assert env.state().tolist() == [0, 1, 2, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1]
    assert env.state_space.contains(env.state())


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"action_mode": "mask"}, "action_mode must be one of 'masked', 'joint', got 'mask'; did you mean 'masked'?"),
        ({"action_mask": "obs"}, "action_mask must be one of 'info', 'none', got 'obs'"),
        ({"obs_scale": "units"}, "obs_scale must be one of 'natural', 'unit', got 'units'; did you mean 'unit'?"),
        (
            {"render_mode": "rgb-array"},
            "render_mode must be one of 'rgb_array', 'human', 'ansi', got 'rgb-array'; did you mean 'rgb_array'?",
        ),
        ({"n_agent": 3}, "unknown argument 'n_agent'; did you mean 'n_agents'?"),
        ({"acton_mode": "joint"}, "unknown argument 'acton_mode'; did you mean 'action_mode'?"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=exactly(text)):
        parallel_env(**arguments)


def test_arguments_of_the_wrong_type_are_named() -> None:
    with pytest.raises(TypeError, match=r"^strict must be True or False, got 1$"):
        parallel_env(strict=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^config must be an MPGGConfig, got \{\}$"):
        MPGGParallelEnv({})  # type: ignore[arg-type]
    assert MPGGParallelEnv().config == MPGGConfig()


@pytest.mark.parametrize("mode", ["rgb_array", "human", "ansi"])
def test_rendering_changes_nothing(mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    env = small(render_mode=mode)
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


def test_rendering_without_a_mode_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^render\(\) needs a render_mode"):
        placed(0).render()
