"""The dictionary interface: action spaces, masks, and what becomes of legal, illegal and wrong actions."""

from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import Discrete
from scipy.stats import chisquare

from mpgg_env import parallel_env
from tests.small_game import MODES, everybody, placed, same_snapshot, seeded, small
from tests.support import anything, episode, exactly, finish, legal, same


@pytest.mark.parametrize(
    ("moves", "mode", "n_actions"),
    [
        ("von_neumann", "masked", 5),
        ("von_neumann", "joint", 10),
        ("moore", "masked", 9),
        ("moore", "joint", 18),
        ("anywhere", "masked", 6),
        ("anywhere", "joint", 12),
    ],
)
def test_the_action_space_is_one_constant_discrete_object(moves: str, mode: str, n_actions: int) -> None:
    env = small(moves=moves, action_mode=mode)
    spaces = {agent: (env.action_space(agent), env.observation_space(agent)) for agent in env.possible_agents}
    _, infos = env.reset(seed=0)
    finish(env, legal(np.random.default_rng(0)), infos)
    for agent, (actions, observations) in spaces.items():
        assert actions == Discrete(n_actions)
        assert env.action_space(agent) is actions
        assert env.observation_space(agent) is observations


def test_a_single_casino_still_has_two_game_actions() -> None:
    env = parallel_env(n_agents=3, grid_shape=(1, 1), moves="anywhere")
    _, infos = env.reset()
    assert env.action_space("agent_0") == Discrete(2)
    assert infos["agent_0"]["action_mask"].tolist() == [1, 1]
    assert env.step(everybody(env, 1))[4]["agent_0"]["action_mask"].tolist() == [1, 0]


def test_masks_worked_out_by_hand() -> None:
    env = small(n_agents=2)
    _, infos = env.reset(options={"positions": [0, 4]})
    assert [infos[agent]["action_mask"].tolist() for agent in env.agents] == [[1, 1, 0, 0, 0]] * 2
    infos = env.step({"agent_0": 0, "agent_1": 0})[4]
    # Casino 0 is the lower left corner: stay, up and right; casino 4 the middle of the upper row: no up.
    assert infos["agent_0"]["action_mask"].tolist() == [1, 1, 0, 0, 1]
    assert infos["agent_1"]["action_mask"].tolist() == [1, 0, 1, 1, 1]


def test_joint_masks_worked_out_by_hand() -> None:
    env = small(n_agents=1, action_mode="joint")
    _, infos = env.reset(options={"positions": [0]})
    assert infos["agent_0"]["action_mask"].tolist() == [1] * 10
    # Each move has two actions: stay 0 1, up 2 3, down 4 5, left 6 7, right 8 9.
    assert env.step({"agent_0": 0})[4]["agent_0"]["action_mask"].tolist() == [1, 1, 1, 1, 0, 0, 0, 0, 1, 1]


def test_masks_are_int8_and_in_the_info_alone() -> None:
    env = small()
    observations, infos = env.reset(seed=3)
    for dicts, notes in [(observations, infos), *((s[0], s[4]) for s in finish(env, anything(seeded(3)), infos))]:
        assert all(isinstance(observation, np.ndarray) for observation in dicts.values())
        assert {info["action_mask"].dtype for info in notes.values()} == {np.dtype(np.int8)}
        assert {info["action_mask"].shape for info in notes.values()} == {(5,)}


def test_masks_can_be_switched_off_and_change_nothing_else() -> None:
    with_masks, without = (
        episode(small(), 5, anything(seeded(1))),
        episode(small(action_mask="none"), 5, anything(seeded(1))),
    )
    assert "action_mask" not in without[1]["agent_0"]
    for left, right in zip(with_masks[2:-1], without[2:-1], strict=True):
        assert same(left[:4], right[:4])
        assert right[4] == {agent: {"illegal": info["illegal"]} for agent, info in left[4].items()}


@pytest.mark.parametrize("action", [0, 1, 2, 3, 4])
def test_in_masked_mode_one_is_c_and_the_moves_are_in_order(action: int) -> None:
    env = placed(4, grid_shape=(3, 3))
    env.step(everybody(env, int(action == 1)))
    assert env.cooperators[4] == (7 if action == 1 else 0)
    env.step(everybody(env, action))
    assert env.positions.tolist() == [{0: 4, 1: 7, 2: 1, 3: 3, 4: 5}[action]] * 7


@pytest.mark.parametrize("action", range(10))
def test_in_joint_mode_the_remainder_plays_and_the_quotient_moves(action: int) -> None:
    env = placed(4, grid_shape=(3, 3), action_mode="joint", strict=True)
    env.step(everybody(env, action))
    assert env.cooperators[4] == (7 if action in (1, 3, 5, 7, 9) else 0)
    env.step(everybody(env, action))
    assert env.positions.tolist() == [[4, 4, 7, 7, 1, 1, 3, 3, 5, 5][action]] * 7


@pytest.mark.parametrize("mode", MODES)
def test_without_a_mask_boundary_no_joint_action_is_illegal(mode: str) -> None:
    env = small(action_mode=mode, boundary="wall")
    steps = episode(env, 2, anything(seeded(2)))
    counts = list(steps[-2][4].values())
    assert (sum(info["illegal"] for info in counts) == 0) == (mode == "joint")


@pytest.mark.parametrize("kind", [int, np.int64, np.int8, np.uint8, np.uint64, np.array])
def test_integers_of_every_kind_are_welcome(kind: Any) -> None:
    plain, other = placed(0), placed(0)
    choices = {agent: i % 2 for i, agent in enumerate(plain.agents)}
    assert same(plain.step(choices), other.step({agent: kind(action) for agent, action in choices.items()}))
    mixed = {agent: (kind(0) if i % 2 else 0) for i, agent in enumerate(plain.agents)}
    assert same(plain.step(everybody(plain, 0)), other.step(mixed))


@pytest.mark.parametrize("wrong", [1.0, True, np.True_, np.float32(1), "1", None, np.array([1]), [1]])
@pytest.mark.parametrize("alone", [True, False])
def test_actions_that_are_no_integers_are_refused_and_change_nothing(wrong: Any, alone: bool) -> None:
    env = placed(0)
    before = env.get_state()
    actions = {**everybody(env, 1 if alone else wrong), "agent_2": wrong}
    with pytest.raises(TypeError, match=rf"^the action of agent_{2 if alone else 0} must be an integer, got "):
        env.step(actions)
    assert same_snapshot(before, env.get_state())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("wrong", [-1, 10, 2**40, 2**63, -(2**64), np.uint64(2**64 - 1)])
def test_actions_outside_the_space_always_raise_and_change_nothing(wrong: int, mode: str) -> None:
    env = placed(0, action_mode=mode)
    before = env.get_state()
    allowed = 9 if mode == "joint" else 4
    with pytest.raises(ValueError, match=rf"^action of agent_2 must be in \[0, {allowed}\], got {wrong}$"):
        env.step({**everybody(env, 1), "agent_2": wrong})
    assert same_snapshot(before, env.get_state())


def test_missing_and_unknown_agents_are_refused() -> None:
    env = placed(0)
    actions = everybody(env, 0)
    with pytest.raises(ValueError, match=r"^the action of 'agent_3' is missing$"):
        env.step({agent: action for agent, action in actions.items() if agent != "agent_3"})
    with pytest.raises(ValueError, match=r"^unknown agent 'agent_7'; did you mean 'agent_\d'\?$"):
        env.step({**actions, "agent_7": 0})
    assert env.phase == "game"


def test_strict_names_agent_action_phase_and_the_legal_set() -> None:
    env = placed(0, strict=True)
    in_game = "agent_2: action 3 is illegal in the game phase; legal: 0 (D), 1 (C)"
    with pytest.raises(ValueError, match=exactly(in_game)):
        env.step({**everybody(env, 1), "agent_2": 3})
    env.step(everybody(env, 1))
    in_migration = "agent_6: action 2 is illegal in the migration phase; legal: 0 (stay), 1 (up), 4 (right)"
    with pytest.raises(ValueError, match=exactly(in_migration)):
        env.step({**everybody(env, 4), "agent_6": 2})
    assert env.phase == "migration"
    assert env.positions.tolist() == [0] * 7


# Four and more standard deviations would be needed to fail: p < 1e-4 with the fixed seed.
def test_an_illegal_game_action_is_replaced_uniformly_and_counted() -> None:
    env = parallel_env(n_agents=20_000, grid_shape=(1, 1))
    env.reset(seed=11)
    infos = env.step({agent: 2 + i % 3 for i, agent in enumerate(env.agents)})[4]
    cooperators = int(env.cooperators[0])
    assert chisquare([cooperators, 20_000 - cooperators]).pvalue > 1e-4
    assert {info["illegal"] for info in infos.values()} == {1}


def test_an_illegal_move_is_replaced_uniformly_among_the_legal_ones() -> None:
    env = parallel_env(n_agents=20_000, grid_shape=(2, 2), boundary="mask")
    env.reset(seed=12, options={"positions": [0] * 20_000})
    env.step(everybody(env, 0))
    legal_actions = dict.fromkeys(env.agents[:5000], 0)
    infos = env.step({**everybody(env, 3), **legal_actions})[4]  # casino 0 is a corner without left
    assert env.occupancy[3] == 0
    assert (env.positions[:5000] == 0).all()
    assert chisquare(np.bincount(env.positions[5000:], minlength=4)[:3]).pvalue > 1e-4
    assert [infos[agent]["illegal"] for agent in ("agent_0", "agent_4999", "agent_5000")] == [0, 0, 1]


def test_an_illegal_joint_action_is_replaced_uniformly_among_the_legal_ones() -> None:
    env = parallel_env(n_agents=20_000, grid_shape=(2, 2), boundary="mask", action_mode="joint")
    env.reset(seed=13, options={"positions": [3] * 20_000})
    env.step(everybody(env, 0))
    infos = env.step(everybody(env, 9))[4]  # casino 3 is a corner without up and right; 8 and 9 are right
    # Six legal actions, two for each of stay, down (to casino 1) and left (to casino 2).
    assert env.occupancy[0] == 0
    assert chisquare(env.occupancy[1:]).pvalue > 1e-4
    assert {info["illegal"] for info in infos.values()} == {1}


def test_the_order_of_the_actions_does_not_matter() -> None:
    env, other = placed(0), placed(0)
    choices = {agent: i % 5 for i, agent in enumerate(env.agents)}
    backwards = dict(reversed(choices.items()))
    for _ in range(4):
        assert same(env.step(choices), other.step(backwards))


def test_the_count_of_illegal_actions_grows_and_restarts_with_the_episode() -> None:
    env = placed(0)
    assert env.step({**everybody(env, 0), "agent_1": 4})[4]["agent_1"]["illegal"] == 1
    assert env.step({**everybody(env, 0), "agent_1": 3})[4]["agent_1"]["illegal"] == 2
    infos = env.step(everybody(env, 0))[4]
    assert [info["illegal"] for info in infos.values()] == [0, 2, 0, 0, 0, 0, 0]
    assert env.reset()[1]["agent_1"]["illegal"] == 0
