"""PettingZoo's own tests, the registry, and determinism over whole episodes, which PettingZoo's tests do not check."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pettingzoo
import pytest
from pettingzoo.test import api_test, max_cycles_test, parallel_api_test, parallel_seed_test, render_test
from pettingzoo.utils.conversions import aec_to_parallel, parallel_to_aec

from mpgg_env import MPGGParallelEnv, mpgg_v0
from mpgg_env.registration import GAMES, register_games
from tests.support import anything, episode, legal, same

GAME_ID = "mpgg/migratory_public_goods-v0"
CONFIGS: dict[str, dict[str, Any]] = {
    "default": {},
    "single casino": {"n_agents": 5, "grid_shape": (1, 1)},
    "wall": {"n_agents": 7, "grid_shape": (3, 2), "boundary": "wall", "obs_game": "m_n_nC"},
    "mask": {"n_agents": 8, "grid_shape": (2, 3), "boundary": "mask", "moves": "moore", "obs_scale": "unit"},
    "mechanisms": {
        "n_agents": 8,
        "grid_shape": (1, 3),
        "mechanism": [{"name": "capacity", "seats": 2}, {"name": "toll", "fee": 0.5}, {"name": "fine", "amount": 1.0}],
    },
    "anywhere": {"n_agents": 9, "grid_shape": (2, 2), "moves": "anywhere", "remainder": "drop", "action_mask": "none"},
}


@pytest.fixture(params=CONFIGS)
def options(request: pytest.FixtureRequest) -> dict[str, Any]:
    return CONFIGS[request.param]


@pytest.fixture(params=["masked", "joint"])
def arguments(request: pytest.FixtureRequest, options: dict[str, Any]) -> dict[str, Any]:
    return {**options, "action_mode": request.param}


def test_parallel_api(arguments: dict[str, Any]) -> None:
    parallel_api_test(mpgg_v0.parallel_env(**arguments), num_cycles=30)


def test_parallel_seed(arguments: dict[str, Any]) -> None:
    parallel_seed_test(lambda: mpgg_v0.parallel_env(**arguments), num_cycles=10)


# On a board of one casino row and column are always 0, which is true and which PettingZoo finds suspicious.
@pytest.mark.filterwarnings("ignore:Agent's maximum and minimum observation space values are equal:UserWarning")
def test_aec_api(arguments: dict[str, Any]) -> None:
    api_test(parallel_to_aec(mpgg_v0.parallel_env(**arguments)), num_cycles=20)


def test_max_cycles(arguments: dict[str, Any]) -> None:
    module = SimpleNamespace(
        parallel_env=lambda **changes: mpgg_v0.parallel_env(**arguments, **changes),
        env=lambda **changes: mpgg_v0.env(**arguments, **changes),
    )
    max_cycles_test(module)


def test_render(arguments: dict[str, Any]) -> None:
    render_test(lambda render_mode: mpgg_v0.env(**arguments, render_mode=render_mode))


def test_the_module_has_the_three_names_of_pettingzoo() -> None:
    assert isinstance(mpgg_v0.parallel_env(), MPGGParallelEnv)
    assert isinstance(mpgg_v0.raw_env(), pettingzoo.AECEnv)
    assert isinstance(mpgg_v0.env(), pettingzoo.AECEnv)


def test_there_and_back_through_aec_is_the_same_game() -> None:
    arguments = {"n_agents": 7, "grid_shape": (2, 3), "boundary": "mask", "max_cycles": 8}
    plain = mpgg_v0.parallel_env(**arguments)
    there_and_back = aec_to_parallel(parallel_to_aec(mpgg_v0.parallel_env(**arguments)))
    played = episode(plain, 3, anything(np.random.default_rng(5)))
    repeated = episode(there_and_back, 3, anything(np.random.default_rng(5)))
    assert len(played) == 2 + 8 + 1
    for left, right in zip(played[2:-1], repeated[2:-1], strict=True):
        assert same(left[0], right[0])
        assert left[1] == right[1]


@pytest.mark.skipif(not hasattr(pettingzoo, "make"), reason="PettingZoo before 1.27 has no registry")
class TestRegistry:
    def test_makes_both_kinds_with_the_arguments_of_the_game(self) -> None:
        made = pettingzoo.make("parallel", GAME_ID, n_agents=3, grid_shape=(1, 2), boundary="wall", max_cycles=6)
        assert isinstance(made, MPGGParallelEnv)
        assert (made.config.n_agents, made.config.boundary, made.max_cycles) == (3, "wall", 6)
        assert isinstance(pettingzoo.make("aec", GAME_ID, n_agents=3), pettingzoo.AECEnv)

    def test_holds_every_game_under_both_kinds(self) -> None:
        assert GAME_ID in GAMES
        assert GAMES.keys() <= pettingzoo.parallel_registry.keys()
        assert GAMES.keys() <= pettingzoo.aec_registry.keys()

    def test_a_second_registration_does_not_warn(self) -> None:
        register_games()  # warnings are errors here


def test_without_a_registry_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("register", "parallel_registry", "aec_registry"):
        monkeypatch.delattr(pettingzoo, name, raising=False)
    register_games()


def test_whole_episodes_repeat_with_the_seed(arguments: dict[str, Any]) -> None:
    choosers = [anything(np.random.default_rng(7)) for _ in range(3)]
    first, second = (mpgg_v0.parallel_env(**arguments, max_cycles=30) for _ in range(2))
    played = episode(first, 42, choosers[0])
    assert len(played) == 2 + 30 + 1
    assert same(played, episode(second, 42, choosers[1]))
    # Nothing of an episode survives into the next one.
    assert same(played, episode(first, 42, choosers[2]))


@pytest.mark.parametrize(
    ("fields", "chooser"),
    [({"n_agents": 7}, legal), ({"n_agents": 6}, anything)],
    ids=["random start", "replaced actions"],
)
def test_another_seed_is_another_episode(fields: dict[str, Any], chooser: Any) -> None:
    env = mpgg_v0.parallel_env(grid_shape=(2, 3), max_cycles=30, **fields)
    played = [episode(env, seed, chooser(np.random.default_rng(1)))[:-1] for seed in (1, 2)]
    assert not same(*played)


def test_without_randomness_the_seed_changes_nothing() -> None:
    env = mpgg_v0.parallel_env(n_agents=6, grid_shape=(2, 3), max_cycles=30)
    played = [episode(env, seed, legal(np.random.default_rng(1)))[:-1] for seed in (1, 2)]
    assert same(*played)
