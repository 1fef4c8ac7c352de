"""The configuration: what it accepts, what it refuses and in which words, and its way to text and back."""

import json
import pickle
import warnings
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

from mpgg_env import DilemmaWarning, MPGGConfig
from mpgg_env.games.mpgg.config import grid_shape_of
from tests.support import exactly

CONFIGS = [
    MPGGConfig(),
    MPGGConfig(n_agents=75, boundary="wall", moves="moore", payoff="code", obs_game="m_n_nC", obs_migration="m"),
    MPGGConfig(n_agents=13, grid_shape=(2, 3), cell_values="center", remainder="drop", min_players=2, max_cycles=7),
    MPGGConfig(n_agents=4, grid_shape=(1, 2), cost=(0.1, 1 / 3), gain=(2.5, 1e-3), gain_range=(0.0, 0.1)),
]

CELLS = "'upper', 'center', 'linspace'"
BOUNDARIES = "'torus', 'wall', 'mask'"
MOVES = "'von_neumann', 'moore', 'anywhere'"
REMAINDERS = "'random', 'first', 'drop', 'error'"
OBSERVATIONS = "'m_n_nC', 'm_n', 'm'"

# Each line: the fields, the error, its whole text.
REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"n_agents": 0}, ValueError, "n_agents must be in [1, 2147483647], got 0"),
    ({"n_agents": -3}, ValueError, "n_agents must be in [1, 2147483647], got -3"),
    ({"n_agents": 2**31}, ValueError, "n_agents must be in [1, 2147483647], got 2147483648"),
    ({"n_agents": 150.0}, TypeError, "n_agents must be an integer, got 150.0"),
    ({"n_agents": True}, TypeError, "n_agents must be an integer, got True"),
    ({"n_agents": "150"}, TypeError, "n_agents must be an integer, got '150'"),
    ({"grid_shape": 5}, TypeError, "grid_shape must be a pair, got 5"),
    ({"grid_shape": "55"}, TypeError, "grid_shape must be a pair, got '55'"),
    ({"grid_shape": (5, 5, 5)}, TypeError, "grid_shape must be a pair, got (5, 5, 5)"),
    ({"grid_shape": (0, 5)}, ValueError, "grid_shape[0] must be >= 1, got 0"),
    ({"grid_shape": (5, -1)}, ValueError, "grid_shape[1] must be >= 1, got -1"),
    ({"grid_shape": (5, 2.0)}, TypeError, "grid_shape[1] must be an integer, got 2.0"),
    ({"grid_shape": (2**16, 2**15)}, ValueError, "grid_shape must have fewer than 2**31 casinos, got (65536, 32768)"),
    (
        {"grid_shape": (41, 25), "moves": "anywhere"},
        ValueError,
        "grid_shape must have at most 1024 casinos with moves='anywhere', got (41, 25)",
    ),
    ({"gain_range": (1.5,)}, TypeError, "gain_range must be a pair, got (1.5,)"),
    ({"gain_range": (6.0, 1.5)}, ValueError, "gain_range must go from low to high, got (6.0, 1.5)"),
    ({"gain_range": (-0.5, 1.5)}, ValueError, "gain_range[0] must be finite and >= 0, got -0.5"),
    ({"gain_range": (1.5, float("nan"))}, ValueError, "gain_range[1] must be finite and >= 0, got nan"),
    ({"gain_range": (1.5, float("inf"))}, ValueError, "gain_range[1] must be finite and >= 0, got inf"),
    ({"gain_range": (1.5, "6")}, TypeError, "gain_range[1] must be a number, got '6'"),
    ({"cost_range": (float("nan"), 1.0)}, ValueError, "cost_range[0] must be finite and >= 0, got nan"),
    ({"cost_range": (1.0, 0.0)}, ValueError, "cost_range must go from low to high, got (1.0, 0.0)"),
    ({"cost_range": (False, 1.0)}, TypeError, "cost_range[0] must be a number, got False"),
    (
        {"cell_values": "centre"},
        ValueError,
        f"cell_values must be one of {CELLS}, got 'centre'; did you mean 'center'?",
    ),
    ({"boundary": "walls"}, ValueError, f"boundary must be one of {BOUNDARIES}, got 'walls'; did you mean 'wall'?"),
    ({"boundary": None}, ValueError, f"boundary must be one of {BOUNDARIES}, got None"),
    ({"moves": "more"}, ValueError, f"moves must be one of {MOVES}, got 'more'; did you mean 'moore'?"),
    ({"payoff": 1}, ValueError, "payoff must be one of 'text', 'code', got 1"),
    ({"obs_game": "n"}, ValueError, "obs_game must be one of 'm_n', 'm_n_nC', 'm', got 'n'"),
    (
        {"obs_migration": "m_n_nc"},
        ValueError,
        f"obs_migration must be one of {OBSERVATIONS}, got 'm_n_nc'; did you mean 'm_n_nC'?",
    ),
    ({"remainder": "fist"}, ValueError, f"remainder must be one of {REMAINDERS}, got 'fist'; did you mean 'first'?"),
    (
        {"remainder": "error", "n_agents": 151},
        ValueError,
        "n_agents must be a multiple of the 25 casinos with remainder='error', got 151",
    ),
    (
        {"remainder": "drop", "n_agents": 24},
        ValueError,
        "n_agents must be at least the 25 casinos with remainder='drop', got 24",
    ),
    ({"min_players": 0}, ValueError, "min_players must be >= 1, got 0"),
    ({"min_players": 1.5}, TypeError, "min_players must be an integer, got 1.5"),
    ({"strict_dilemma": 1}, TypeError, "strict_dilemma must be True or False, got 1"),
    ({"max_cycles": 0}, ValueError, "max_cycles must be >= 1, got 0"),
    ({"cost": (1.0,) * 24}, ValueError, "cost must have one value for each of the 25 casinos, got 24 values"),
    ({"gain": 2.0}, TypeError, "gain must be a sequence of 25 numbers, got 2.0"),
    ({"gain": "2"}, TypeError, "gain must be a sequence of 25 numbers, got '2'"),
    ({"gain": (1.0,) * 24 + (float("nan"),)}, ValueError, "gain[24] must be finite and >= 0, got nan"),
    ({"cost": (1.0, -1.0) + (1.0,) * 23}, ValueError, "cost[1] must be finite and >= 0, got -1.0"),
    ({"cost": (1.0, True) + (1.0,) * 23}, TypeError, "cost[1] must be a number, got True"),
]


@pytest.mark.parametrize(("fields", "error", "text"), REFUSED, ids=lambda value: repr(value)[:40])
def test_refused_values_are_named_with_their_range(fields: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=exactly(text)):
        MPGGConfig(**fields)


def test_the_defaults_are_those_of_the_specification() -> None:
    config = MPGGConfig()
    assert config.to_dict() == {
        "n_agents": 150,
        "grid_shape": [5, 5],
        "gain_range": [1.5, 6.0],
        "cost_range": [0.0, 1.0],
        "cell_values": "upper",
        "boundary": "torus",
        "moves": "von_neumann",
        "payoff": "text",
        "obs_game": "m_n",
        "obs_migration": "m_n_nC",
        "remainder": "random",
        "min_players": 1,
        "mechanism": None,
        "strict_dilemma": False,
        "max_cycles": 1000,
        "cost": None,
        "gain": None,
    }
    assert (config.n_casinos, config.n_players, config.n_moves) == (25, 150, 5)


@pytest.mark.parametrize("config", CONFIGS, ids=range(len(CONFIGS)))
def test_a_configuration_comes_back_from_dict_json_code_and_pickle(config: MPGGConfig) -> None:
    assert MPGGConfig.from_dict(config.to_dict()) == config
    assert MPGGConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert eval(repr(config)) == config
    assert pickle.loads(pickle.dumps(config)) == config
    assert hash(MPGGConfig.from_dict(config.to_dict())) == hash(config)


def test_missing_fields_of_a_dict_take_their_defaults() -> None:
    assert MPGGConfig.from_dict({"n_agents": 75}) == MPGGConfig(n_agents=75)


@pytest.mark.parametrize("make", [MPGGConfig.from_dict, lambda fields: MPGGConfig().replace(**fields)])
def test_an_unknown_field_is_refused_with_a_suggestion(make: Any) -> None:
    with pytest.raises(ValueError, match=r"^unknown MPGGConfig field 'n_agent'; did you mean 'n_agents'\?$"):
        make({"n_agent": 3})


def test_replace_checks_anew_and_leaves_the_original() -> None:
    config = MPGGConfig()
    assert config.replace(n_agents=75) == MPGGConfig(n_agents=75)
    assert config.n_agents == 150
    with pytest.raises(ValueError, match=r"^n_agents must be in \[1, 2147483647\], got 0$"):
        config.replace(n_agents=0)


def test_a_configuration_is_frozen_and_takes_keywords_only() -> None:
    with pytest.raises(FrozenInstanceError):
        MPGGConfig().n_agents = 3  # type: ignore[misc]
    with pytest.raises(TypeError):
        MPGGConfig(150)  # type: ignore[call-arg]


def test_numpy_values_are_stored_as_plain_ones() -> None:
    given = MPGGConfig(
        n_agents=np.int32(4),
        grid_shape=np.array([1, 2]),
        gain_range=np.array([1.5, 6.0]),
        cost_range=(np.float64(0.0), np.int64(1)),
        min_players=np.int64(1),
        cost=np.array([[0.25, 0.5]]),
        gain=np.array([2, 3]),
    )
    plain = MPGGConfig(n_agents=4, grid_shape=(1, 2), cost=(0.25, 0.5), gain=(2.0, 3.0))
    assert given == plain
    assert repr(given) == repr(plain)
    assert {type(value) for value in (*given.cost_range, *given.cost, *given.gain)} == {float}


@pytest.mark.parametrize(
    "fields",
    [
        {},  # N / M = 6 is not below the highest gain 6
        {"n_agents": 25},  # 1 is not above the lowest gain 1.5
        {"n_agents": 75, "gain_range": (1.0, 6.0)},  # the lowest gain must be above 1
        {"n_agents": 75, "gain": (1.5,) * 24 + (3.0,)},  # 3 is not below the highest of the explicit gains
    ],
)
def test_no_dilemma_warns_or_raises(fields: dict[str, Any]) -> None:
    with pytest.warns(DilemmaWarning, match=r"^not every casino poses a dilemma: 1 < lowest gain < N / M "):
        MPGGConfig(**fields)
    with pytest.raises(ValueError, match=r"strict_dilemma=True demands it$"):
        MPGGConfig(**fields, strict_dilemma=True)


def test_the_warning_says_which_numbers_and_points_at_the_caller() -> None:
    with pytest.warns(DilemmaWarning) as caught:
        MPGGConfig()
    assert str(caught[0].message).endswith("does not hold for gains 1.5 to 6 and N / M = 6")
    assert caught[0].filename == __file__


@pytest.mark.parametrize("fields", [{"n_agents": 75}, {"n_agents": 149}, {"gain": (1.5,) * 24 + (6.5,)}])
def test_a_dilemma_is_silent(fields: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MPGGConfig(**fields, strict_dilemma=True)


def test_every_field_has_a_help_text() -> None:
    help_texts = MPGGConfig.field_help()
    assert list(help_texts) == MPGGConfig.field_names()
    assert all(text.endswith(".") and "\n" not in text for text in help_texts.values())


@pytest.mark.parametrize(("side", "cell", "cells"), [(1.0, 0.2, 5), (0.3, 0.1, 3), (10, 10, 1), (7, 0.5, 14)])
def test_side_over_cell_gives_the_shape(side: float, cell: float, cells: int) -> None:
    assert grid_shape_of(side, cell) == (cells, cells)


@pytest.mark.parametrize(
    ("side", "cell", "text"),
    [
        (1.0, 0.3, "side / cell must be a positive integer, got 1.0 / 0.3; give grid_shape instead"),
        (0.1, 0.3, "side / cell must be a positive integer, got 0.1 / 0.3; give grid_shape instead"),
        (1.0, 0.0, "cell must be finite and > 0, got 0.0"),
        (float("nan"), 0.1, "side must be finite and > 0, got nan"),
    ],
)
def test_side_over_cell_that_is_no_integer_is_refused(side: float, cell: float, text: str) -> None:
    with pytest.raises(ValueError, match=exactly(text)):
        grid_shape_of(side, cell)
