"""`SB3VecEnv`: every sub-environment is an agent of a PettingZoo environment."""

import pickle
from typing import Any

import numpy as np
import pytest
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecCheckNan, VecFrameStack, VecMonitor, VecNormalize

from mpgg_env import MPGGConfig, MPGGParallelEnv
from mpgg_env.sb3 import SB3VecEnv
from tests.support import exactly, fresh_python, same

# A random start, edges and empty casinos, so that actions are illegal in both phases.
SMALL = MPGGConfig(n_agents=7, grid_shape=(2, 3), boundary="mask", max_cycles=12, obs_game="m_n_nC")
N, B = 7, 3


def _column(env: MPGGParallelEnv, values: dict[str, Any]) -> list[Any]:
    return [values[agent] for agent in env.possible_agents]


def _masks(env: MPGGParallelEnv, infos: dict[str, Any]) -> list[Any]:
    return [infos[agent]["action_mask"] for agent in env.possible_agents]


def _cooperate_and_stay(steps: int) -> list[np.ndarray[Any, Any]]:
    """Everybody plays C in the even steps and stays in the odd ones."""
    return [np.full(B * N, 1 - t % 2) for t in range(steps)]


def _played(env: SB3VecEnv, seed: int, steps: int = 30) -> list[Any]:
    """Everything that a seeded run of random actions, over several episodes, gives."""
    rng = np.random.default_rng(1)
    env.seed(seed)
    seen = [env.reset()]
    for _ in range(steps):
        seen += [env.action_masks(), *env.step(rng.integers(env.engine.n_actions, size=env.num_envs))]
    return seen


@pytest.mark.parametrize("obs_scale", ["natural", "unit"])
@pytest.mark.parametrize("mode", ["masked", "joint"])
def test_every_sub_environment_is_an_agent_of_a_pettingzoo_environment(mode: Any, obs_scale: Any) -> None:
    vector = SB3VecEnv(SMALL, B, action_mode=mode, obs_scale=obs_scale)
    envs = [MPGGParallelEnv(SMALL, action_mode=mode, obs_scale=obs_scale) for _ in range(B)]
    assert list(vector.seed(5)) == [5] * N + [6] * N + [7] * N
    observations = vector.reset()
    starts = [env.reset(seed=5 + b) for b, env in enumerate(envs)]
    rng = np.random.default_rng(2)
    n_illegal = 0
    for t in range(2 * SMALL.max_cycles):
        assert same(observations, np.concatenate([_column(e, s[0]) for e, s in zip(envs, starts, strict=True)]))
        masks = np.concatenate([_masks(e, s[-1]) for e, s in zip(envs, starts, strict=True)])
        assert same(vector.action_masks(), masks == 1)
        actions = rng.integers(vector.engine.n_actions, size=B * N)
        observations, rewards, dones, infos = vector.step(actions)
        rows = actions.reshape(B, N).tolist()
        starts = [e.step(dict(zip(e.agents, row, strict=True))) for e, row in zip(envs, rows, strict=True)]
        paid = np.concatenate([_column(e, s[1]) for e, s in zip(envs, starts, strict=True)])
        assert same(rewards, paid.astype(np.float32))
        last = (t + 1) % SMALL.max_cycles == 0
        assert dones.tolist() == [last] * (B * N)
        if not last:
            assert infos == [{}] * (B * N)
            continue
        agents = [(e, s, a) for e, s in zip(envs, starts, strict=True) for a in e.possible_agents]
        for info, (_, (end, _, terminated, truncated, notes), agent) in zip(infos, agents, strict=True):
            assert truncated[agent]
            assert not terminated[agent]
            expected = {"terminal_observation": end[agent], "illegal": notes[agent]["illegal"]}
            assert same(info, {"TimeLimit.truncated": True, **expected})
            n_illegal += info["illegal"]
        starts = [env.reset() for env in envs]  # goes on with the generators, as the vector environment does
    assert n_illegal > 50


def test_spaces_and_types() -> None:
    env = SB3VecEnv(SMALL, B)
    plain = MPGGParallelEnv(SMALL)
    assert env.num_envs == B * N
    assert env.observation_space == plain.observation_space("agent_0")
    assert env.action_space == plain.action_space("agent_0")
    observations = env.reset()
    assert (observations.shape, observations.dtype) == ((B * N, 8), np.float32)
    assert all(env.observation_space.contains(row) for row in observations)
    observations, rewards, dones, infos = env.step(np.zeros(B * N, int))
    assert (rewards.shape, rewards.dtype, dones.shape, dones.dtype) == ((B * N,), np.float32, (B * N,), np.bool_)
    assert type(infos) is list
    assert (env.action_masks().shape, env.action_masks().dtype) == ((B * N, 5), np.bool_)


@pytest.mark.parametrize("mode", ["masked", "joint"])
def test_two_seeded_runs_are_equal_to_the_bit_and_another_seed_is_another_run(mode: Any) -> None:
    env = SB3VecEnv(SMALL, B, action_mode=mode)
    first = _played(env, 11)
    assert same(first, _played(SB3VecEnv(SMALL, B, action_mode=mode), 11))
    assert same(first, _played(env, 11))  # whatever was played in between
    assert not same(first, _played(env, 12))


def test_a_seed_serves_the_next_reset_alone() -> None:
    env, other = SB3VecEnv(SMALL, B), SB3VecEnv(SMALL, B)
    env.seed(3)
    other.seed(3)
    first = env.reset()
    assert same(first, other.reset())
    again = env.reset()
    assert not same(first, again)
    assert same(again, other.reset())
    env.step(np.zeros(B * N, int))
    positions = env.engine.state.positions.copy()
    env.seed(3)
    assert same(env.engine.state.positions, positions)  # nothing happens before the reset
    assert same(env.reset(), first)


def test_without_a_seed_every_call_draws_another_and_numpys_generator_is_left_alone() -> None:
    env = SB3VecEnv(SMALL, B)
    before = np.random.get_state(legacy=False)["state"]["pos"]
    first, second = env.seed(), env.seed()
    assert first != second
    assert [seed - first[0] for seed in first] == [0] * N + [1] * N + [2] * N
    assert np.random.get_state(legacy=False)["state"]["pos"] == before


def test_positions_can_be_given_for_the_next_reset() -> None:
    env = SB3VecEnv(SMALL, B)
    env.seed(0)
    env.set_options({"positions": [4] * N, "unknown": 1})
    assert (env.reset()[:, 2:4] == [1, 1]).all()
    assert not (env.reset()[:, 2:4] == [1, 1]).all()


def test_an_action_array_is_not_changed_and_results_stay_as_they_were() -> None:
    env = SB3VecEnv(SMALL, B)
    env.seed(0)
    actions = np.full(B * N, 4)
    given = [env.reset(), *env.step(actions)]
    kept = pickle.loads(pickle.dumps(given))
    for _ in range(SMALL.max_cycles):
        env.step(actions)
    assert (actions == 4).all()
    assert same(given, kept)


def test_what_is_written_into_an_info_shows_nowhere_else() -> None:
    env = SB3VecEnv(SMALL.replace(max_cycles=2), B)
    env.seed(0)
    env.reset()
    seen = [env.step(actions)[3] for actions in _cooperate_and_stay(4)]
    kept = pickle.loads(pickle.dumps(seen))
    seen[0][0]["mark"] = seen[1][0]["mark"] = 1
    seen[1][1]["terminal_observation"][:] = -1
    del seen[0][0]["mark"], seen[1][0]["mark"]
    seen[1][1]["terminal_observation"] = kept[1][1]["terminal_observation"]
    assert same(seen, kept)
    assert len({id(info) for infos in seen for info in infos}) == 4 * B * N


def test_monitored_returns_are_the_sums_of_the_payoffs() -> None:
    # Everybody cooperates and stays: each round pays c (r - 1) to an agent; 6 rounds.
    config = MPGGConfig(n_agents=7, grid_shape=(1, 2), cost=(0.5, 1.0), gain=(3.0, 2.5), max_cycles=12)
    env = VecMonitor(SB3VecEnv(config, B), info_keywords=("illegal",))
    env.set_options({"positions": [0, 0, 0, 1, 1, 1, 1]})
    env.reset()
    infos = [env.step(actions)[3] for actions in _cooperate_and_stay(12)]
    assert infos[:11] == [[{}] * (B * N)] * 11
    assert [info["episode"]["r"] for info in infos[11]] == [6.0, 6.0, 6.0, 9.0, 9.0, 9.0, 9.0] * B
    assert {info["episode"]["l"] for info in infos[11]} == {12}
    assert {info["episode"]["illegal"] for info in infos[11]} == {0}


def test_stable_baselines3s_wrappers_work_on_top() -> None:
    plain = SB3VecEnv(SMALL, B)
    normalised = VecNormalize(SB3VecEnv(SMALL, B), norm_reward=False)
    wrapped = VecFrameStack(VecCheckNan(normalised, raise_exception=True), 2)
    for env in (plain, wrapped):
        env.seed(4)
        env.reset()
    before: Any = None
    for actions in _cooperate_and_stay(12):
        observations, _, _, infos = plain.step(actions)
        stacked, _, _, wrapped_infos = wrapped.step(actions)
        if not infos[0]:
            before = stacked
    assert stacked.shape == (B * N, 16)
    assert (stacked[:, :8] == 0).all()  # a new episode: nothing of the old one is left in the stack
    np.testing.assert_allclose(stacked[:, 8:], normalised.normalize_obs(observations))
    ends = np.array([info["terminal_observation"] for info in infos])
    wrapped_ends = np.array([info["terminal_observation"] for info in wrapped_infos])
    np.testing.assert_allclose(wrapped_ends[:, 8:], normalised.normalize_obs(ends), rtol=1e-6)
    assert same(wrapped_ends[:, :8], before[:, 8:])
    assert not np.allclose(ends, observations)


def test_a_pickle_in_mid_episode_continues_to_the_bit() -> None:
    env = SB3VecEnv(SMALL, B)
    env.seed(8)
    env.reset()
    rng = np.random.default_rng(1)
    env.step(rng.integers(5, size=B * N))
    other = pickle.loads(pickle.dumps(env))
    for _ in range(20):
        actions = rng.integers(5, size=B * N)
        assert same(env.step(actions), other.step(actions))


def test_attributes_of_the_sub_environments() -> None:
    env = SB3VecEnv(SMALL, B, action_mode="masked")
    assert env.get_attr("max_cycles") == [12] * (B * N)
    assert env.get_attr("config", [0, 20]) == [SMALL, SMALL]
    assert env.get_attr("render_mode", 4) == [None]
    assert env.has_attr("action_masks")
    assert not env.has_attr("no_such_attribute")
    assert env.env_is_wrapped(Monitor) == [False] * (B * N)
    assert env.env_is_wrapped(Monitor, [3, 4]) == [False, False]
    env.set_options({"positions": [0] * N})
    env.reset()
    everything = np.zeros(B * N, int)
    everything[[2, 9]] = 4  # agent 2 of replicas 0 and 1
    env.step(everything)
    assert env.get_attr("illegal") == [0, 0, 1, *[0] * 6, 1, *[0] * 11]
    assert env.get_attr("illegal", [9, -1]) == [1, 0]
    # In the corner with the lowest cost and gain, down and left lead off the board.
    assert [mask.tolist() for mask in env.env_method("action_masks", indices=2)] == [[True, True, False, False, True]]
    env.set_attr("max_cycles", 2)
    assert env.step(everything)[2].all()


def test_every_sub_environment_gives_its_mask() -> None:
    env = SB3VecEnv(SMALL, B)
    env.seed(0)
    env.reset()
    env.step(np.zeros(B * N, int))
    masks = env.action_masks()
    assert not masks.all()
    assert same(env.env_method("action_masks"), list(masks))
    assert same(env.env_method("action_masks", indices=[20, 3]), [masks[20], masks[3]])


@pytest.mark.parametrize(("boundary", "all_legal"), [("torus", True), ("wall", True), ("mask", False)])
def test_joint_actions_are_all_legal_unless_moves_off_the_board_are_masked(boundary: Any, all_legal: bool) -> None:
    env = SB3VecEnv(SMALL.replace(boundary=boundary), B, action_mode="joint")
    env.seed(0)
    env.reset()
    legal = []
    for actions in _cooperate_and_stay(SMALL.max_cycles):
        legal.append(env.action_masks().all())
        env.step(actions)
    assert legal == [True, all_legal] * (SMALL.max_cycles // 2)


def test_frames_are_those_of_the_replicas() -> None:
    env = SB3VecEnv(SMALL, 2, render_mode="rgb_array")
    plain = MPGGParallelEnv(SMALL, render_mode="rgb_array")
    env.seed(1)
    env.reset()
    frames = []
    for seed in (1, 2):
        plain.reset(seed=seed)
        frames.append(plain.render())
    assert same(list(env.get_images()), frames)
    tiles = env.render()
    assert tiles is not None
    assert same(tiles, np.concatenate(frames))
    with pytest.raises(ValueError, match=exactly("get_images() needs render_mode='rgb_array', got None")):
        SB3VecEnv(SMALL).get_images()


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda e: e.step(np.zeros(B * N)), TypeError, "actions must be integers, got an array of float64"),
        (lambda e: e.step(np.zeros(N, int)), ValueError, "actions must have shape (21,), got (7,)"),
        (lambda e: e.step(np.zeros((B, N), int)), ValueError, "actions must have shape (21,), got (3, 7)"),
        (lambda e: e.step(np.full(B * N, 5)), ValueError, "action of agent_0 must be in [0, 4], got 5"),
        (
            lambda e: (e.step(np.zeros(B * N, int)), e.step_wait()),
            RuntimeError,
            "call step_async(actions) first: there are no actions to play",
        ),
        (lambda e: e.seed(-1), ValueError, "seed must be >= 0, got -1"),
        (lambda e: e.seed(0.5), TypeError, "seed must be an integer, got 0.5"),
        (lambda e: e.set_options([{}]), TypeError, "options must be one dict for all sub-environments, got [{}]"),
        (lambda e: e.set_attr("cost", 1), AttributeError, "only 'max_cycles' can be set, got 'cost'"),
        (
            lambda e: e.set_attr("max_cycles", 5, 0),
            ValueError,
            "indices must be None or all, since they share max_cycles, got 0",
        ),
        (lambda e: e.set_attr("max_cycles", 0), ValueError, "max_cycles must be >= 1, got 0"),
        (
            lambda e: e.env_method("reset"),
            AttributeError,
            "sub-environments have the method 'action_masks' alone, got 'reset'",
        ),
        (lambda e: e.get_attr("max_cycles", 21), IndexError, "range object index out of range"),
        (lambda e: SB3VecEnv(SMALL, 0), ValueError, "n_replicas must be >= 1, got 0"),
        (
            lambda e: SB3VecEnv(SMALL, render_mode="human"),
            ValueError,
            "render_mode must be one of 'rgb_array', got 'human'",
        ),
    ],
)
def test_wrong_calls_are_refused(call: Any, error: type[Exception], text: str) -> None:
    env = SB3VecEnv(SMALL, B)
    env.seed(0)
    start = env.reset()
    with pytest.raises(error, match=exactly(text)):
        call(env)
    env.seed(0)
    assert same(env.reset(), start)
    assert env.step(np.zeros(B * N, int))[2].tolist() == [False] * (B * N)


def test_a_step_before_the_reset_is_refused() -> None:
    with pytest.raises(RuntimeError, match=r"^call reset\(\) first"):
        SB3VecEnv(SMALL).step(np.zeros(N, int))


def test_without_stable_baselines3_the_error_names_the_command() -> None:
    code = """
import sys
sys.modules["stable_baselines3"] = None
import mpgg_env
try:
    import mpgg_env.sb3
except ImportError as error:
    print(error)
"""
    assert fresh_python(code) == 'mpgg_env.sb3 needs Stable-Baselines3: pip install "mpgg-env[deep]"\n'


def test_an_absent_library_of_another_name_is_not_taken_for_stable_baselines3() -> None:
    code = """
import sys
sys.modules["torch"] = None
try:
    import mpgg_env.sb3
except ModuleNotFoundError as error:
    print(error.name.partition(".")[0])
"""
    assert fresh_python(code) == "torch\n"
