"""Hyper-parameters of DDPG-MFTG: every one is checked, and the presets are what their sources say."""

import math
from typing import Any

import pytest

from mpgg_agents.mean_field.architecture import ARCHITECTURES
from mpgg_agents.mean_field.ddpg.config import DDPGConfig
from mpgg_agents.mean_field.ddpg.presets import PRESETS
from mpgg_env.games.mean_field.registry import GAMES
from tests.support import exactly

WRONG: list[tuple[str, Any, type[Exception], str]] = [
    ("sight", "all", ValueError, "must be one of 'joint', 'own', got 'all'"),
    ("branch", -1, ValueError, "must be >= 0, got -1"),
    ("layers", 200, TypeError, "must be a sequence with the units of at least one layer, got 200"),
    ("activation", "elu", ValueError, "must be one of 'relu', 'tanh', 'sigmoid', got 'elu'; did you mean 'relu'?"),
    ("extra_layer", 1.5, TypeError, "must be an integer, got 1.5"),
    ("output", "linear", ValueError, "must be one of 'softmax', 'sigmoid', got 'linear'"),
    ("logit_scale", 51, ValueError, "must be in (0, 50], got 51"),
    ("episodes", 0, ValueError, "must be >= 1, got 0"),
    ("parallel_episodes", 0, ValueError, "must be >= 1, got 0"),
    ("update_ratio", 0, ValueError, "must be finite and > 0, got 0"),
    ("actor_learning_rate", -1e-4, ValueError, "must be finite and > 0, got -0.0001"),
    ("critic_learning_rate", math.nan, ValueError, "must be finite and > 0, got nan"),
    ("halve_rates_at", "6000", TypeError, "must be a sequence of numbers of episodes, got '6000'"),
    ("sigma", -0.1, ValueError, "must be finite and >= 0, got -0.1"),
    ("noise_reversion", 1.1, ValueError, "must be in [0, 1], got 1.1"),
    ("halve_noise_at", (2, 2), ValueError, "must be increasing, got (2, 2)"),
    ("noise_on", "rows", ValueError, "must be one of 'probs', 'logits', got 'rows'; did you mean 'probs'?"),
    ("tau", 0, ValueError, "must be in (0, 1], got 0"),
    ("capacity", True, TypeError, "must be an integer, got True"),
    ("batch_size", 0, ValueError, "must be >= 1, got 0"),
    ("first_update", 50_001, ValueError, "must be in [1, 50000], got 50001"),
    ("reward_scale", 0, ValueError, "must be finite and > 0, got 0"),
]


@pytest.mark.parametrize(
    ("name", "value", "error", "text"), WRONG, ids=[f"{name}={value!r}" for name, value, *_ in WRONG]
)
def test_wrong_hyper_parameters_are_refused(name: str, value: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=exactly(f"{name} {text}")):
        DDPGConfig(**{name: value})


def test_every_hyper_parameter_is_checked_and_explained() -> None:
    assert [name for name, *_ in WRONG] == DDPGConfig.field_names() == list(DDPGConfig.field_help())
    with pytest.raises(ValueError, match=exactly("episodes must be a multiple of parallel_episodes = 64, got 100")):
        DDPGConfig(episodes=100, parallel_episodes=64)
    with pytest.raises(ValueError, match=exactly("halve_rates_at[1] must be >= 1, got 0")):
        DDPGConfig(halve_rates_at=(3, 0))
    config = DDPGConfig(halve_rates_at=[6000, 12_000], layers=[20, 30])
    assert DDPGConfig.from_dict(config.to_dict()) == config
    assert DDPGConfig(halve_rates_at=0) == DDPGConfig(halve_rates_at=()) == DDPGConfig()


def test_schedules_count_episodes() -> None:
    config = DDPGConfig(episodes=20, parallel_episodes=2, sigma=0.8, halve_noise_at=(4, 8), halve_rates_at=(5,))
    assert [config.exploration(k) for k in (0, 1, 2, 3, 4, 9)] == [0.8, 0.8, 0.4, 0.4, 0.2, 0.2]
    assert [config.rate_factor(k) for k in (0, 2, 3, 9)] == [1, 1, 0.5, 0.5]
    assert config.total_rounds == 10
    assert not config.is_algorithm_2


# [Shao2024] appendix F: step sizes of actor and critic, sigma, tau, buffer, batch, episodes; of cyber security only the
# last three are the text's.
TABLE = {
    "four_rooms": (5e-5, 1e-4, 0.08, 0.005, 100_000, 32, 50_000),
    "predator_prey": (5e-4, 1e-3, 0.8, 0.0025, 50_000, 64, 80_000),
    "distribution_planning": (5e-5, 1e-4, 0.08, 0.005, 50_000, 128, 20_000),
    "cyber_security": (1e-4, 1e-3, 0.1, 0.005, 5000, 64, 100),
}
NAMES = ("actor_learning_rate", "critic_learning_rate", "sigma", "tau", "capacity", "batch_size", "episodes")


@pytest.mark.parametrize("game", TABLE)
def test_paper_presets_are_the_texts_algorithm_with_its_numbers(game: str) -> None:
    config = DDPGConfig(**PRESETS[game]["paper"].agent)
    assert tuple(getattr(config, name) for name in NAMES) == TABLE[game]
    assert config.is_algorithm_2
    assert config.reward_scale == 1
    halved = (6000, 12_000) if game == "distribution_planning" else ()
    assert config.halve_rates_at == config.halve_noise_at == halved
    assert config.noise_on == ("logits" if game == "predator_prey" else "probs")


def test_every_game_has_a_default_with_its_networks() -> None:
    assert set(PRESETS) == set(GAMES) == set(ARCHITECTURES)
    for game, presets in PRESETS.items():
        assert set(presets) == ({"default", "paper"} if game in TABLE else {"default"})
        default = DDPGConfig(**presets["default"].agent)
        assert not default.is_algorithm_2
        assert default.episodes > max(default.halve_rates_at)
    for game in TABLE:
        config = DDPGConfig(**PRESETS[game]["paper"].agent)
        assert all(getattr(config, name) == value for name, value in ARCHITECTURES[game].items())
