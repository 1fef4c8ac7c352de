"""Hyper-parameters of Nash-DQN: every one is checked, and the presets run."""

import math
from typing import Any

import numpy as np
import pytest

from mpgg_agents.nash_dqn.config import NashDQNConfig
from mpgg_agents.nash_dqn.presets import PRESETS
from mpgg_agents.nash_dqn.trainer import NashDQNTrainer
from mpgg_env.games.market.config import MarketConfig
from tests.support import exactly

WRONG: list[tuple[str, Any, type[Exception], str]] = [
    ("iterations", 0, ValueError, "must be >= 1, got 0"),
    ("iterations", 1.5, TypeError, "must be an integer, got 1.5"),
    ("episodes", 0, ValueError, "must be >= 1, got 0"),
    ("episodes", True, TypeError, "must be an integer, got True"),
    ("hidden", 32, TypeError, "must be a sequence with the units of at least one layer, got 32"),
    ("hidden", (), TypeError, "must be a sequence with the units of at least one layer, got ()"),
    ("phi", "20", TypeError, "must be a sequence with the units of at least one layer, got '20'"),
    ("phi", False, TypeError, "must be a sequence with the units of at least one layer, got False"),
    ("phi", np.array([4, 3]), TypeError, "must be a sequence with the units of at least one layer, got array([4, 3])"),
    ("clock", "hands", ValueError, "must be one of 'scalar', 'one_hot', got 'hands'"),
    ("learning_rate", 0, ValueError, "must be finite and > 0, got 0"),
    ("learning_rate", math.nan, ValueError, "must be finite and > 0, got nan"),
    ("final_learning_rate", 1.1, ValueError, "must be in [0, 1], got 1.1"),
    ("warm_up", -1, ValueError, "must be >= 0, got -1"),
    ("weight_decay", -0.1, ValueError, "must be finite and >= 0, got -0.1"),
    ("max_gradient_norm", 0, ValueError, "must be finite and > 0, got 0"),
    ("beta_2", 1, ValueError, "must be in [0, 1), got 1"),
    ("gamma", 1.01, ValueError, "must be in [0, 1], got 1.01"),
    ("trace", -0.1, ValueError, "must be in [0, 1], got -0.1"),
    ("final_trace", 2, ValueError, "must be in [0, 1], got 2"),
    ("noise", 0, ValueError, "must be finite and > 0, got 0"),
    ("noise", "4", TypeError, "must be a number, got '4'"),
    ("final_noise", -1, ValueError, "must be finite and > 0, got -1"),
    ("exploring", 0, ValueError, "must be in (0, 1], got 0"),
    ("target_every", 0, ValueError, "must be >= 1, got 0"),
    ("psi_penalty", -1, ValueError, "must be finite and >= 0, got -1"),
    ("penalty", "l3", ValueError, "must be one of 'l2', 'l1', got 'l3'"),
    ("reduction", "max", ValueError, "must be one of 'mean', 'sum', got 'max'"),
    ("data", "old", ValueError, "must be one of 'fresh', 'replay', got 'old'"),
    ("capacity", 0, ValueError, "must be >= 1, got 0"),
    ("returned", "worst", ValueError, "must be one of 'average', 'best', 'last', got 'worst'"),
    ("averaging", 1, ValueError, "must be in [0, 1), got 1"),
    ("scales", "none", ValueError, "must be one of 'measured', 'authors', got 'none'"),
]


@pytest.mark.parametrize(
    ("name", "value", "error", "text"), WRONG, ids=[f"{name}={value!r}" for name, value, *_ in WRONG]
)
def test_wrong_hyper_parameters_are_refused(name: str, value: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=exactly(f"{name} {text}")):
        NashDQNConfig(**{name: value})


def test_every_hyper_parameter_is_checked() -> None:
    assert {name for name, *_ in WRONG} == set(NashDQNConfig.__dataclass_fields__)
    with pytest.raises(ValueError, match=exactly("hidden[1] must be >= 1, got 0")):
        NashDQNConfig(hidden=(3, 0))
    with pytest.raises(ValueError, match="final_trace must be 0 with data='replay', whose decisions are single ones"):
        NashDQNConfig(final_trace=1, data="replay")
    assert NashDQNConfig(phi=0) == NashDQNConfig(phi=()) == NashDQNConfig(phi=[0])


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_settings_that_run(name: str) -> None:
    config = NashDQNConfig(**PRESETS[name].agent)
    trainer = NashDQNTrainer(MarketConfig(**PRESETS[name].game), config.replace(episodes=2), [0])
    assert np.isfinite(trainer.advance(1).measures["value_loss"]).all()
    assert config.iterations == (20_000 if name in ("paper", "authors") else 8000)
