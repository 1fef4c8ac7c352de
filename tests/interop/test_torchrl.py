"""TorchRL's `PettingZooWrapper`: the specs hold, the wrapped game is the same game, and the mask is enforced."""

import runpy
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
import pytest
import torch
from tensordict.nn import TensorDictModule, TensorDictSequential
from torchrl.envs import ExplorationType, PettingZooWrapper, check_env_specs, set_exploration_type
from torchrl.modules import MLP, EGreedyModule, MaskedCategorical, ProbabilisticActor, QValueModule

from mpgg_env import parallel_env
from tests.interop.records import EXAMPLES
from tests.small_game import SMALL

# TorchRL 0.14.1 warns of every version of PettingZoo but 1.24.3.
pytestmark = pytest.mark.filterwarnings("ignore:PettingZoo in TorchRL is tested using version:UserWarning")

OBSERVATION, ACTION, MASK = ("agent", "observation"), ("agent", "action"), ("agent", "action_mask")
CONFIGURATIONS: list[dict[str, Any]] = [
    {},
    {"action_mode": "joint"},
    {"action_mode": "joint", "boundary": "torus", "action_mask": "none"},
    {"moves": "moore", "obs_scale": "unit"},
    {"moves": "anywhere", "obs_game": "m", "payoff": "code"},
    {"remainder": "drop"},
    {"n_agents": 1, "grid_shape": (1, 1)},
    {"max_cycles": 1},
]


def _wrapped(seed: int = 0, use_mask: bool = False, categorical: bool = True, **changes: Any) -> PettingZooWrapper:
    env = parallel_env(**{**SMALL, **changes})
    return PettingZooWrapper(
        env, return_state=True, use_mask=use_mask, categorical_actions=categorical, group_map=None, seed=seed
    )


@pytest.mark.parametrize("changes", CONFIGURATIONS, ids=str)
@pytest.mark.parametrize("use_mask", [False, True])
@pytest.mark.parametrize("categorical", [True, False], ids=["categorical", "one_hot"])
def test_the_specs_hold(changes: dict[str, Any], use_mask: bool, categorical: bool) -> None:
    env = _wrapped(use_mask=use_mask, categorical=categorical, **changes)
    assert (MASK in env.observation_spec.keys(True, True)) == (changes.get("action_mask") != "none")
    assert env.observation_spec["state"].shape == env.state_space.shape
    check_env_specs(env)


@pytest.mark.parametrize("mode", ["masked", "joint"])
def test_the_wrapped_game_is_the_same_game(mode: str) -> None:
    rollout = _wrapped(seed=5, action_mode=mode).rollout(100)
    assert len(rollout) == SMALL["max_cycles"]
    env = parallel_env(**SMALL, action_mode=mode)
    observations, infos = env.reset(seed=5)
    for step in rollout:
        assert np.array_equal(step[OBSERVATION].numpy(), np.stack(list(observations.values())))
        assert np.array_equal(step[MASK].numpy(), np.stack([info["action_mask"] for info in infos.values()]))
        assert np.array_equal(step["state"].numpy(), env.state())
        actions = dict(zip(env.agents, step[ACTION].tolist(), strict=True))
        observations, rewards, _, truncations, infos = env.step(actions)
        assert np.array_equal(step["next", "agent", "reward"].squeeze(-1).numpy(), np.float32([*rewards.values()]))
        assert step["next", "agent", "truncated"].squeeze(-1).tolist() == [*truncations.values()]
        assert not step["next", "terminated"].any()
    assert rollout["next", "truncated"].squeeze().tolist() == [False] * (len(rollout) - 1) + [True]


def _network(env: PettingZooWrapper, key: str) -> TensorDictModule:
    layers = MLP(in_features=8, out_features=env.full_action_spec[ACTION].n, num_cells=[16])
    return TensorDictModule(layers, in_keys=[OBSERVATION], out_keys=[("agent", key)])


def _masked_categorical(env: PettingZooWrapper) -> Any:
    return ProbabilisticActor(
        _network(env, "logits"),
        spec=env.full_action_spec,
        in_keys={"logits": ("agent", "logits"), "mask": MASK},
        out_keys=[ACTION],
        distribution_class=MaskedCategorical,
    )


def _epsilon_greedy(env: PettingZooWrapper) -> Any:
    # The whole spec: given that of ACTION alone, TorchRL 0.14.1 takes the number of agents for a length of the action.
    spec = env.full_action_spec
    names = [ACTION, ("agent", "action_value"), ("agent", "chosen_action_value")]
    values = QValueModule(action_value_key=names[1], action_mask_key=MASK, out_keys=names, spec=spec)
    explore = EGreedyModule(spec, eps_init=0.5, eps_end=0.5, action_key=ACTION, action_mask_key=MASK)
    return TensorDictSequential(_network(env, "action_value"), values, explore)


@pytest.mark.parametrize("make_policy", [lambda env: None, _masked_categorical, _epsilon_greedy])
@pytest.mark.parametrize("exploration", [ExplorationType.RANDOM, ExplorationType.DETERMINISTIC])
@pytest.mark.parametrize("mode", ["masked", "joint"])
def test_no_policy_plays_an_illegal_action(
    make_policy: Callable[[PettingZooWrapper], Any], exploration: ExplorationType, mode: str
) -> None:
    torch.manual_seed(0)
    env = _wrapped(action_mode=mode)
    with set_exploration_type(exploration):
        rollout = env.rollout(10 * SMALL["max_cycles"], make_policy(env), break_when_any_done=False)
    assert rollout[MASK].gather(-1, rollout[ACTION].unsqueeze(-1)).all()
    # The mask must have forbidden something, or nothing was tested.
    assert not rollout[MASK].all()
    assert not rollout["next", "agent", "info", "illegal"].any()


def test_the_counter_sees_what_a_policy_without_the_mask_does() -> None:
    env = _wrapped()
    anything = TensorDictModule(lambda seen: torch.full((7,), 4), in_keys=[OBSERVATION], out_keys=[ACTION])
    # In every game phase "right" is illegal for all, and in some migration phases at the edge.
    assert env.rollout(SMALL["max_cycles"], anything)["next", "agent", "info", "illegal"][-1].min() >= 10


@pytest.mark.algorithm
@pytest.mark.filterwarnings("ignore::mpgg_env.DilemmaWarning")
def test_the_example_learns(seen: Callable[..., None]) -> None:
    result = runpy.run_path(str(EXAMPLES / "torchrl_ippo.py"))["main"]()
    assert result["illegal"] == 0
    # The best play: all cooperate, and from the second round on in the casino that pays 7, (6.25 + 19 * 7) / 20 = 6.96.
    assert 1.3 * result["random"] < 6.5 < result["trained"] < 7
    seen(
        stack="TorchRL",
        version=version("torchrl"),
        algorithm="IPPO",
        door="PettingZooWrapper",
        masks="enforced",
        illegal=int(result["illegal"]),
        example="torchrl_ippo.py",
        note="",
    )
