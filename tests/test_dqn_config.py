"""The hyper-parameters of deep Q-learning refuse what they must, and the networks see what they ask for."""

import json
from dataclasses import FrozenInstanceError, fields
from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete
from pettingzoo.utils.env import ParallelEnv

from mpgg_agents.dqn import DQNConfig, DQNTrainer, new_agents, train
from mpgg_agents.dqn.encoding import Encoder
from mpgg_env import MPGGConfig, parallel_env
from tests.support import exactly

COUNTED = ("capacity", "batch_size", "train_every", "gradient_steps", "target_every", "frames", "episodes")
UNIT_INTERVAL = ("gamma", "eps_0", "eps_min")
HALF_OPEN = ("decay", "tau")
POSITIVE = ("learning_rate", "max_gradient_norm")
FLAGS = ("double", "identity", "previous_action", "previous_payoff")
HIDDEN = "hidden must be a sequence with the units of at least one layer"
DEVICE = "device must be a name such as 'cpu' or 'cuda:0'"

# Each line: the field, its value, the error, its whole text.
REFUSED: list[tuple[str, Any, type[Exception], str]] = [
    (
        "sharing",
        "share",
        ValueError,
        "sharing must be one of 'shared', 'independent', got 'share'; did you mean 'shared'?",
    ),
    ("counts", "logs", ValueError, "counts must be one of 'log', 'linear', got 'logs'; did you mean 'log'?"),
    ("hidden", (), TypeError, f"{HIDDEN}, got ()"),
    ("hidden", 64, TypeError, f"{HIDDEN}, got 64"),
    ("hidden", "64", TypeError, f"{HIDDEN}, got '64'"),
    ("hidden", (8, 0), ValueError, "hidden[1] must be in [1, 65536], got 0"),
    ("hidden", (65537,), ValueError, "hidden[0] must be in [1, 65536], got 65537"),
    ("hidden", (8.0,), TypeError, "hidden[0] must be an integer, got 8.0"),
    ("hidden", (True,), TypeError, "hidden[0] must be an integer, got True"),
    *((name, 0.0, ValueError, f"{name} must be finite and > 0, got 0.0") for name in POSITIVE),
    *((name, float("nan"), ValueError, f"{name} must be finite and > 0, got nan") for name in POSITIVE),
    *((name, float("inf"), ValueError, f"{name} must be finite and > 0, got inf") for name in POSITIVE),
    *((name, "1", TypeError, f"{name} must be a number, got '1'") for name in POSITIVE),
    *((name, -0.1, ValueError, f"{name} must be in [0, 1], got -0.1") for name in UNIT_INTERVAL),
    *((name, 1.1, ValueError, f"{name} must be in [0, 1], got 1.1") for name in UNIT_INTERVAL),
    *((name, None, TypeError, f"{name} must be a number, got None") for name in UNIT_INTERVAL),
    *((name, 0.0, ValueError, f"{name} must be in (0, 1], got 0.0") for name in HALF_OPEN),
    *((name, 1.5, ValueError, f"{name} must be in (0, 1], got 1.5") for name in HALF_OPEN),
    *((name, True, TypeError, f"{name} must be a number, got True") for name in HALF_OPEN),
    *((name, 0, ValueError, f"{name} must be >= 1, got 0") for name in COUNTED),
    *((name, 2.0, TypeError, f"{name} must be an integer, got 2.0") for name in COUNTED),
    ("learning_starts", 0, ValueError, "learning_starts must be in [1, 1000], got 0"),
    ("learning_starts", 1001, ValueError, "learning_starts must be in [1, 1000], got 1001"),
    ("learning_starts", 1.0, TypeError, "learning_starts must be an integer, got 1.0"),
    *((name, 1, TypeError, f"{name} must be True or False, got 1") for name in FLAGS),
    ("device", "", TypeError, f"{DEVICE}, got ''"),
    ("device", 0, TypeError, f"{DEVICE}, got 0"),
]


@pytest.mark.parametrize(("name", "value", "error", "text"), REFUSED)
def test_refused_values_are_named_with_their_range(name: str, value: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=exactly(text)):
        DQNConfig(**{name: value})
    with pytest.raises(error, match=exactly(text)):
        DQNConfig().replace(**{name: value})


def test_every_field_has_a_refused_value() -> None:
    assert {name for name, *_ in REFUSED} == {field.name for field in fields(DQNConfig)}


def test_fields_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match=exactly("learning_starts must be in [1, 5], got 10")):
        DQNConfig(capacity=5)
    text = "identity must be False with sharing 'independent', where a network serves one agent, got True"
    with pytest.raises(ValueError, match=exactly(text)):
        DQNConfig(sharing="independent", identity=True)


def test_the_bounds_themselves_are_allowed() -> None:
    DQNConfig(gamma=0, eps_0=0, eps_min=0, decay=1, tau=1, capacity=1, learning_starts=1, batch_size=1, hidden=(1,))
    DQNConfig(gamma=1, eps_0=1, eps_min=1, decay=1e-9, tau=1e-9, learning_starts=1000, hidden=(65536,))


CONFIGS = [
    DQNConfig(),
    DQNConfig(sharing="independent", hidden=(3, 1, 2), double=True, counts="linear", frames=2, gamma=1 / 3, tau=0.1),
    DQNConfig(identity=True, previous_action=True, previous_payoff=True, device="cuda:0", episodes=3, eps_min=0),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_a_configuration_comes_back_from_dict_json_and_code(config: DQNConfig) -> None:
    assert DQNConfig.from_dict(config.to_dict()) == config
    assert DQNConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert eval(repr(config), {"DQNConfig": DQNConfig}) == config
    assert set(config.to_dict()) == {field.name for field in fields(DQNConfig)}


def test_values_are_stored_as_plain_ones() -> None:
    config = DQNConfig(hidden=[np.int64(3), 4], gamma=np.float32(0.5), capacity=np.int32(20), decay=1)  # type: ignore[arg-type]
    assert config.hidden == (3, 4)
    types = [type(value) for value in (config.hidden[0], config.gamma, config.capacity, config.decay)]
    assert types == [int, float, int, float]


def test_unknown_fields_are_refused_and_a_configuration_is_frozen() -> None:
    with pytest.raises(ValueError, match="unknown DQNConfig field 'gama'; did you mean 'gamma'"):
        DQNConfig.from_dict({"gama": 0.5})
    with pytest.raises(FrozenInstanceError):
        DQNConfig().gamma = 0.5  # type: ignore[misc]
    with pytest.raises(TypeError):
        DQNConfig("shared")  # type: ignore[misc]


def test_every_field_has_a_help_text() -> None:
    texts = DQNConfig.field_help()
    assert list(texts) == [field.name for field in fields(DQNConfig)]
    assert all(len(text) > 20 for text in texts.values())


@pytest.mark.parametrize("device", ["tpu", "cuda:99"])
def test_a_device_that_is_not_there_is_refused(device: str) -> None:
    with pytest.raises(ValueError, match=f"device must be one that torch can use here, such as 'cpu', got '{device}'"):
        DQNTrainer(MPGGConfig(), DQNConfig(device=device), [0], 10)
    with pytest.raises(ValueError, match=f"device must be one that torch can use here, such as 'cpu', got '{device}'"):
        new_agents(parallel_env(), DQNConfig(device=device), 0)


# An agent on a board of 2 x 3 casinos with N = 7 and the highest cost 2 and gain 6: in row 1, column 1, with cost 0.5
# and gain 3, among 3 agents of whom 1 cooperated. log(1 + 3) / log(1 + 7) = 2 / 3, log(1 + 1) / log(1 + 7) = 1 / 3.
N = 7
HIGH = np.array([1, 1, 1, 2, 2, 6, N, N], np.float32)
SEEN = np.array([[0, 1, 1, 1, 0.5, 3, 3, 1]], np.float32)
LOG = [0, 1, 1, 1 / 2, 1 / 4, 1 / 2, 2 / 3, 1 / 3]
LINEAR = [0, 1, 1, 1 / 2, 1 / 4, 1 / 2, 3 / 7, 1 / 7]


def encoder(**options: Any) -> Encoder:
    return Encoder(DQNConfig(**options), HIGH, N, 5)


def assert_sees(encode: Encoder, observation: np.ndarray[Any, Any], expected: list[float]) -> None:
    """All agents are in one place, and each sees what is expected."""
    inputs = encode(np.repeat(observation, N, axis=0))
    assert inputs.dtype == np.float32
    assert inputs.shape == (N, encode.width)
    np.testing.assert_allclose(inputs, [expected] * N, rtol=1e-6)


@pytest.mark.parametrize(("counts", "expected"), [("log", LOG), ("linear", LINEAR)])
def test_every_slot_is_scaled_to_the_unit_interval(counts: str, expected: list[float]) -> None:
    assert_sees(encoder(counts=counts), SEEN, expected)
    assert_sees(encoder(counts=counts), HIGH[None], [1.0] * 8)
    assert_sees(encoder(counts=counts), HIGH[None] * 0, [0.0] * 8)


def test_a_slot_that_is_always_zero_stays_zero() -> None:
    flat = np.array([1, 1, 0, 0, 0, 6, 7, 7], np.float32)
    assert_sees(Encoder(DQNConfig(previous_payoff=True), flat, N, 5), flat[None], [1, 1, 0, 0, 0, 1, 1, 1, 0])


def test_the_last_actions_and_the_last_payoff_follow_the_slots() -> None:
    """In the order game action (2), move (5), payoff in units of 2 x 6, each zero until there is one."""
    encode = encoder(previous_action=True, previous_payoff=True)
    assert_sees(encode, SEEN, [*LOG, 0, 0, 0, 0, 0, 0, 0, 0])
    encode.note_games(np.full(N, 1))
    encode.note_payoffs(np.full(N, 3.0))
    assert_sees(encode, SEEN, [*LOG, 0, 1, 0, 0, 0, 0, 0, 0.25])
    encode.note_moves(np.full(N, 3))
    encode.note_games(np.full(N, 0))
    encode.note_payoffs(np.full(N, -1.5))
    assert_sees(encode, SEEN, [*LOG, 1, 0, 0, 0, 0, 1, 0, -0.125])
    encode.forget()
    assert_sees(encode, SEEN, [*LOG, 0, 0, 0, 0, 0, 0, 0, 0])


def test_frames_stack_the_last_observations_the_newest_last() -> None:
    encode = encoder(frames=3, previous_payoff=True)
    assert_sees(encode, SEEN, [*[0.0] * 16, *LOG, 0])
    assert_sees(encode, HIGH[None], [*[0.0] * 8, *LOG, *[1.0] * 8, 0])
    assert_sees(encode, SEEN, [*LOG, *[1.0] * 8, *LOG, 0])
    assert_sees(encode, HIGH[None] * 0, [*[1.0] * 8, *LOG, *[0.0] * 8, 0])
    encode.forget()
    assert_sees(encode, SEEN, [*[0.0] * 16, *LOG, 0])


def test_inputs_are_new_arrays() -> None:
    """Transitions keep them."""
    encode = encoder(frames=2, previous_action=True)
    first = encode(np.repeat(SEEN, N, axis=0))
    kept = first.copy()
    encode.note_games(np.full(N, 1))
    encode(np.repeat(HIGH[None], N, axis=0))
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("counts", ["log", "linear"])
def test_natural_and_unit_observations_are_the_same_inputs(counts: str) -> None:
    """What the networks have been fed after the same actions on the same board, previous payoffs included."""
    fed = []
    for obs_scale in ("natural", "unit"):
        config = DQNConfig(counts=counts, previous_payoff=True, previous_action=True, eps_min=1.0, learning_starts=100)  # type: ignore[arg-type]
        env = parallel_env(n_agents=7, grid_shape=(2, 3), cost_range=(0, 2), obs_scale=obs_scale)
        *_, (population, _) = train(env, config, 12, seed=4)
        arrays = population.agents.arrays()
        fed.append(np.stack([arrays[f"{name}.replay.observations"] for name in ("Q_G", "Q_M")]))
    np.testing.assert_allclose(fed[0], fed[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(7,), (12,), (), (2, 8), (0,)])
def test_observations_of_another_game_are_refused(shape: tuple[int, ...]) -> None:
    text = f"observations must be vectors of 8 slots or stacks of them, got shape {shape}"
    with pytest.raises(ValueError, match=exactly(text)):
        Encoder(DQNConfig(), np.ones(shape, np.float32), 1, 5)

    class Other(ParallelEnv[str, Any, Any]):
        possible_agents = ["a"]  # noqa: RUF012 - read only

        def observation_space(self, agent: str) -> Box:
            return Box(0, 1, shape, np.float32)

        def action_space(self, agent: str) -> Discrete:
            return Discrete(5)

    with pytest.raises(ValueError, match=exactly(text)):
        new_agents(Other(), DQNConfig(), 0)
