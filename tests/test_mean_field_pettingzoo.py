"""PettingZoo's own tests of the mean-field-type games, the registry, determinism, other stacks, and the doors."""

import pickle
from typing import Any

import numpy as np
import pettingzoo
import pytest
import supersuit
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, render_test, seed_test
from pettingzoo.utils.conversions import aec_to_parallel, parallel_to_aec
from stable_baselines3 import DDPG
from stable_baselines3.common.noise import OrnsteinUhlenbeckActionNoise
from stable_baselines3.common.utils import set_random_seed

import mpgg_env
from mpgg_env import CoalitionParallelEnv
from mpgg_env.mftg.doors import INTERFACE_OPTIONS
from tests.mean_field_games import DOORS, VARIANTS, any_point, door, made
from tests.support import episode, same

every_variant = pytest.mark.parametrize("variant", VARIANTS)
every_door = pytest.mark.parametrize("game", DOORS)


@every_variant
def test_parallel_api(variant: str) -> None:
    parallel_api_test(made(variant), num_cycles=12)
    parallel_seed_test(lambda: made(variant), num_cycles=5)


# Home rooms concern one coalition alone, and attackers have fewer states than defenders.
@pytest.mark.filterwarnings(r"ignore:Agents have different (observation|action) space sizes:UserWarning")
@pytest.mark.filterwarnings("ignore:Observations are different shapes:UserWarning")
@pytest.mark.parametrize("variant", ["matching", "rooms, own sight", "cyber, own sight", "casinos"])
def test_aec_api(variant: str) -> None:
    name, arguments = VARIANTS[variant]
    api_test(door(name).env(**arguments), num_cycles=8)
    seed_test(lambda: door(name).env(**arguments), num_cycles=4)


@pytest.mark.parametrize("game", ["population_matching", "distribution_planning"])
def test_render(game: str) -> None:
    render_test(lambda render_mode: door(game).env(max_cycles=3, render_mode=render_mode))


@every_door
def test_each_module_has_the_three_names_of_pettingzoo_and_they_can_be_pickled(game: str) -> None:
    module = DOORS[game]
    for name in module.__all__:
        function = getattr(module, name)
        assert pickle.loads(pickle.dumps(function)) is function
        assert function.__doc__
    assert isinstance(module.parallel_env(), CoalitionParallelEnv)
    assert isinstance(module.raw_env(), pettingzoo.AECEnv)
    assert isinstance(module.env(), pettingzoo.AECEnv)
    assert getattr(mpgg_env.mftg, module.__name__.rpartition(".")[2]) is module
    fields = type(module.parallel_env().config).field_names()
    assert set(fields).isdisjoint(INTERFACE_OPTIONS)


@pytest.mark.skipif(not hasattr(pettingzoo, "make"), reason="PettingZoo before 1.27 has no registry")
@every_door
def test_the_registry_makes_both_kinds_with_the_arguments_of_the_game(game: str) -> None:
    env = pettingzoo.make("parallel", game, max_cycles=7, discount=0.5, sight="own")
    assert isinstance(env, CoalitionParallelEnv)
    assert (env.config.max_cycles, env.config.discount, env.sight) == (7, 0.5, "own")
    assert isinstance(pettingzoo.make("aec", game), pettingzoo.AECEnv)


@every_variant
def test_there_and_back_through_aec_is_the_same_game(variant: str) -> None:
    played = episode(made(variant), 3, any_point(np.random.default_rng(5)))
    there_and_back = aec_to_parallel(parallel_to_aec(made(variant)))
    repeated = episode(there_and_back, 3, any_point(np.random.default_rng(5)))
    assert len(played) == 2 + made(variant).max_cycles + 1
    for left, right in zip(played[2:-1], repeated[2:-1], strict=True):
        assert same(left[0], right[0])
        assert left[1] == right[1]


@every_variant
def test_whole_episodes_repeat_with_the_seed(variant: str) -> None:
    choosers = [any_point(np.random.default_rng(7)) for _ in range(4)]
    first, second = made(variant), made(variant)
    played = episode(first, 42, choosers[0])
    assert same(played, episode(second, 42, choosers[1]))
    assert same(played, episode(first, 42, choosers[2]))  # nothing of an episode survives into the next one
    assert not same(played[:-1], episode(first, 43, choosers[3])[:-1])


def test_the_environment_is_the_batch_with_one_game() -> None:
    for variant in VARIANTS:
        env, rng = made(variant), np.random.default_rng(3)
        env.reset(seed=3)
        state = env.batch.drawn_state(np.random.Generator(np.random.PCG64(3)), 1)
        while env.agents:
            actions = any_point(rng)(env, {})
            chosen = env.batch.normalised(tuple(np.array(a, float)[None] for a in actions.values()))
            state, rewards = env.batch.step(state, chosen)
            assert list(env.step(actions)[1].values()) == rewards[0].tolist()
        assert same(env.distributions, tuple(mu[0] for mu in state.distributions))


def test_supersuit_flattens_and_stacks() -> None:
    plain = made("chase")
    env = supersuit.dtype_v0(supersuit.frame_stack_v1(made("chase"), 2), "float16")
    observations, _ = env.reset(seed=1)
    expected, _ = plain.reset(seed=1)
    np.testing.assert_array_equal(observations["coalition_2"][100:], expected["coalition_2"].astype(np.float16))
    env = supersuit.pettingzoo_env_to_vec_env_v1(made("chase"))
    assert env.num_envs == 4
    assert env.reset(seed=1)[0].shape == (4, 100)


def test_unequal_spaces_need_one_player_at_a_time() -> None:
    # As the page of the games says: wrappers for one policy want equal spaces, which defenders and attackers have not.
    with pytest.raises(AssertionError, match="action spaces not consistent"):
        supersuit.pettingzoo_env_to_vec_env_v1(made("cyber"))


def test_ddpg_of_stable_baselines_takes_matrices_as_actions() -> None:
    vector = supersuit.pettingzoo_env_to_vec_env_v1(made("matching"))
    env = supersuit.concat_vec_envs_v1(vector, 1, base_class="stable_baselines3")
    shape = env.action_space.shape
    # The noise must have the shape of the matrix: a flat one is not broadcast.
    noise = OrnsteinUhlenbeckActionNoise(np.zeros(shape), 0.1 * np.ones(shape))
    set_random_seed(0)  # SuperSuit's environment has no seed of its own
    model = DDPG("MlpPolicy", env, action_noise=noise, learning_starts=10, batch_size=8, device="cpu")
    model.learn(40)
    actions, _ = model.predict(env.reset())
    assert actions.shape == (2, 3, 3)
    assert env.action_space.contains(actions[0])


def test_arguments_of_the_factory_are_seen_in_its_errors() -> None:
    with pytest.raises(ValueError, match="unknown argument 'n_coalition'; did you mean 'n_coalitions'"):
        door("mpgg").env(n_coalition=3)
    with pytest.raises(TypeError):
        door("four_rooms").env(3)


def shown(variant: str, mode: Any, steps: int = 3) -> Any:
    env = made(variant, render_mode=mode)
    env.reset(seed=1)
    choose = any_point(np.random.default_rng(0))
    for _ in range(steps):
        env.step(choose(env, {}))
    return env


@every_variant
def test_rendering_changes_nothing(variant: str, capsys: pytest.CaptureFixture[str]) -> None:
    for mode in ("rgb_array", "human", "ansi"):
        env = shown(variant, mode)
        before = env.get_state()
        frame = env.render()
        assert same(before, env.get_state())
        printed = capsys.readouterr().out
        if mode == "rgb_array":
            assert (frame.dtype, frame.ndim, frame.shape[2]) == (np.uint8, 3, 3)
        else:
            assert isinstance(frame, str) == (mode == "ansi")
            assert bool(printed) == (mode == "human")
    plain = made(variant)
    plain.reset(seed=1)
    with pytest.raises(ValueError, match=r"^render\(\) needs a render_mode"):
        plain.render()
