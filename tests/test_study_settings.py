"""What a study is: sweeps over grids, lists and samples, the cells that they make, and errors that say where."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from mpgg_agents.cli import main
from mpgg_agents.experiments.study.file import read_study_file
from mpgg_agents.experiments.study.settings import Stop, Study
from mpgg_agents.experiments.study.sweep import Sample, Sweep, SweepError, Uniform, read_sweep
from mpgg_env import Fine


def test_a_grid_is_every_combination_and_its_last_field_changes_fastest() -> None:
    sweep = Sweep(grid={"agent.gamma": [0.0, 0.5], "game.boundary": ["torus", "wall", "mask"]})
    points = [(point["agent.gamma"], point["game.boundary"]) for point in sweep.points()]
    assert points == [(0.0, "torus"), (0.0, "wall"), (0.0, "mask"), (0.5, "torus"), (0.5, "wall"), (0.5, "mask")]
    assert len(sweep) == 6


def test_a_list_a_sample_and_a_grid_multiply() -> None:
    sweep = read_sweep(
        {
            "list": [{"game": {"n_agents": 10}}, {"game": {"n_agents": 20}}],
            "sample": {"count": 3, "seed": 4, "fields": {"agent": {"eta": {"low": 0.1, "high": 0.2}}}},
            "grid": {"agent": {"gamma": [0.0, 0.5]}},
        }
    )
    points = list(sweep.points())
    assert len(points) == len(sweep) == 12
    assert [point["game.n_agents"] for point in points] == [10] * 6 + [20] * 6
    assert [point["agent.gamma"] for point in points] == [0.0, 0.5] * 6
    drawn = [point["agent.eta"] for point in points]
    assert drawn[:6] == drawn[6:]  # the same sample with every row of the list
    assert len(set(drawn)) == 3
    assert all(0.1 <= eta < 0.2 for eta in drawn)
    assert list(points[0]) == ["game.n_agents", "agent.eta", "agent.gamma"]  # the order of the columns


def test_no_sweep_is_one_cell() -> None:
    assert list(Sweep().points()) == [{}]
    assert len(Study(name="one").cells) == 1


def test_a_sample_keeps_its_values_when_it_grows_and_when_fields_are_added() -> None:
    few = Sample(count=5, seed=3, fields={"agent.gamma": Uniform(low=0.0, high=1.0)})
    many = Sample(
        count=50, seed=3, fields={"game.boundary": ["torus", "wall"], "agent.gamma": Uniform(low=0.0, high=1.0)}
    )
    gammas = [point["agent.gamma"] for point in many.points()]
    assert [point["agent.gamma"] for point in few.points()] == gammas[:5]
    assert len(set(gammas)) == 50
    other = Sample(count=5, seed=4, fields={"agent.gamma": Uniform(low=0.0, high=1.0)})
    assert [point["agent.gamma"] for point in other.points()] != gammas[:5]


def test_intervals_reach_their_whole_limits_and_are_uniform_in_the_logarithm() -> None:
    assert Uniform(low=2, high=4).values([0.0, 0.34, 0.67, 0.999999]) == [2, 3, 4, 4]
    assert Uniform(low=2.0, high=4).values([0.0, 0.5]) == [2.0, 3.0]
    assert Uniform(low=0.01, high=100.0, log=True).values([0.0, 0.25, 0.5, 0.75]) == pytest.approx(
        [0.01, 0.1, 1.0, 10.0]
    )
    # Each octave of 1 .. 63 holds as many draws, the rounding down of whole numbers apart.
    whole = Uniform(low=1, high=63, log=True).values([share / 6000 for share in range(6000)])
    counts = [sum(low <= value < high for value in whole) for low, high in pairwise([1, 2, 4, 8, 16, 32, 64])]
    assert all(abs(count - 1000) <= 1 for count in counts)


def test_whole_numbers_are_equally_likely_below_zero_too() -> None:
    values = Uniform(low=-3, high=3).values([share / 70 for share in range(70)])
    assert {value: values.count(value) for value in range(-3, 4)} == dict.fromkeys(range(-3, 4), 10)


def test_a_study_of_python_comes_back_from_its_file_with_the_same_cells() -> None:
    study = Study(
        name="python",
        base={"run": {"rounds": np.int64(50), "seeds": range(3)}, "game": {"grid_shape": (2, 3)}},
        sweep=Sweep(
            rows=[{"game.gain_range": (1.5, 4.0), "agent.eta": np.float64(0.1)}],
            sample=Sample(count=2, fields={"agent.epsilon_min": (0.0, 0.1), "game.n_agents": (12, 24)}),
            grid={
                "agent.gamma": np.linspace(0, 0.5, 2),
                "game.mechanism": [Fine(amount=0.5), None],
                "agent.decay": (0.9, 0.99),
            },
        ),
    )
    back = Study.from_dict(json.loads(json.dumps(study.to_dict(), allow_nan=False)))
    assert back == study
    assert back.points == study.points  # which equal mappings in another order would not have
    assert {type(point["agent.gamma"]) for point in study.points} == {float}
    assert list(study.points[0]) == list(back.points[0])


def test_a_study_and_its_file_are_inverse() -> None:
    values = {
        "name": "both",
        "title": "Both",
        "game": {"n_agents": 12},
        "run": {"rounds": 50, "seeds": ["0:4"]},
        "sweep": {
            "list": [{"agent": {"eta": 0.1}}, {"agent": {"eta": 0.2}}],
            "sample": {"count": 2, "seed": 0, "fields": {"agent": {"gamma": {"low": 0.1, "high": 0.9, "log": False}}}},
            "grid": {"game": {"boundary": ["wall", "torus"]}},
        },
        "stop": {"metric": "efficiency", "half_width": 0.1, "batch": 2},
        "results": {"metrics": ["efficiency"]},
        "figures": [{"kind": "line"}],
    }
    study = Study.from_dict(values)
    assert study.to_dict() == values
    assert Study.from_dict(study.to_dict()) == study


def test_a_cell_has_the_base_its_point_and_the_defaults_of_studies() -> None:
    study = Study(
        name="cells",
        base={"game": {"n_agents": 12}, "run": {"rounds": 400, "seeds": [3, 4]}},
        sweep=Sweep(grid={"agent.gamma": [0.25], "game.n_agents": [30, 60]}),
    )
    first, second = study.cells
    assert (first.experiment.game.n_agents, second.experiment.game.n_agents) == (30, 60)
    assert first.experiment.agent.gamma == 0.25
    assert first.seeds == (3, 4)
    assert first.experiment.run.figures is False
    assert first.batch([4]).run.seeds == (4,)
    assert first.batch([4]).game == first.experiment.game


WRONG = {
    "swept twice": ({"grid": {"agent": {"eta": [0.1]}}, "list": [{"agent": {"eta": 0.2}}]}, "in one way"),
    "seeds": ({"grid": {"run": {"seeds": [1, 2]}}}, "run.seeds cannot be swept: every cell has the seeds of [run]"),
    "env": ({"grid": {"run": {"env": ["a"]}}}, "run.env cannot be swept: a study has one game"),
    "empty list": ({"grid": {"agent": {"eta": []}}}, "agent.eta must be a list of at least one value, got []"),
    "no list": ({"grid": {"agent": {"eta": 0.1}}}, "agent.eta must be a list of at least one value, got 0.1"),
    "repeated": ({"grid": {"agent": {"eta": [0.1, 0.2, 0.1]}}}, "agent.eta must be distinct values, got 0.1 twice"),
    "section": ({"grid": {"agnt": {"eta": [0.1]}}}, "unknown part of sweep.grid 'agnt'; did you mean 'agent'?"),
    "part": ({"gird": {}}, "unknown part of a sweep 'gird'; did you mean 'grid'?"),
    "rows": ({"list": [{"agent": {"eta": 0.1}}, {"agent": {"gamma": 0.1}}]}, "the same fields as the first one"),
    "same row": ({"list": [{"agent": {"eta": 0.1}}, {"agent": {"eta": 0.1}}]}, "and not those of another row"),
    "empty row": ({"list": [{}]}, "must set fields"),
    "count": ({"sample": {"count": 0, "fields": {"agent": {"eta": [0.1]}}}}, "count must be in [1, 1000000], got 0"),
    "no count": ({"sample": {"fields": {"agent": {"eta": [0.1]}}}}, "count"),
    "nothing drawn": ({"sample": {"count": 2}}, "fields must name at least one field to draw, got none"),
    "limits": (
        {"sample": {"count": 2, "fields": {"agent": {"eta": {"low": 2, "high": 1}}}}},
        "agent.eta: high must be",
    ),
    "log of 0": (
        {"sample": {"count": 2, "fields": {"agent": {"eta": {"low": 0, "high": 1, "log": True}}}}},
        "low must be",
    ),
    "too many": ({"grid": {"agent": {name: list(range(200)) for name in ("a", "b", "c")}}}, "at most 1,000,000 cells"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_sweep_is_refused(name: str) -> None:
    values, message = WRONG[name]
    with pytest.raises(SweepError) as caught:
        read_sweep(values)
    assert message in str(caught.value)


COURSE = '[[figures]]\nkind = "time"\nby = "agent.gamma"\nrows = "game.boundary"\n'
STUDY = """\
title = "Broken"

[game]
n_agents = 20

[run]
rounds = 100
seeds = ["0:4"]

[sweep.grid]
agent.gamma = [
    0.0,
    0.5,
]
game.boundary = ["torus", "wall"]

[stop]
metric = "efficiency"
half_width = 0.1
batch = 2
"""

BROKEN = {
    "value of a grid": ("    0.5,", "    1.5,", 13, "sweep.grid.agent.gamma[1]: gamma must be in [0, 1], got 1.5"),
    "base": ("n_agents = 20", "n_agents = -1", 4, "game.n_agents: n_agents must be in [1, 2147483647], got -1"),
    "choice": ('"wall"]', '"wal"]', 15, "sweep.grid.game.boundary[1]: boundary must be one of"),
    "unknown field": (
        "rounds = 100",
        "ruonds = 100",
        7,
        "run.ruonds: unknown MPGGRunConfig field 'ruonds'; did you mean",
    ),
    "unknown part": ("[stop]", "[stpo]", 17, "stpo: unknown part of a study 'stpo'; did you mean 'stop'?"),
    "seeds": ('["0:4"]', '["4:0"]', 8, "run.seeds: seeds must be ranges of 1 to 1000000 seeds, got '4:0'"),
    "stop": ("half_width = 0.1", "half_width = 0", 19, "stop.half_width: half_width must be finite and > 0, got 0"),
    "batch": ("batch = 2", "batch = 9", 20, "stop.batch: batch must be at most the number of seeds, 4, got 9"),
    "outcome": ('metric = "efficiency"', 'metric = "eficiency"', 18, "stop.metric: metric must be one of"),
    "outcome that theory has": ('metric = "efficiency"', 'metric = "crowding"', 18, "stop.metric: metric must be one"),
    "nothing where something is needed": (
        'metric = "efficiency"',
        "",
        17,
        "stop: metric must be given, since it has no",
    ),
    "unknown field of a part": (
        "half_width = 0.1",
        "half_widht = 0.1",
        19,
        "stop.half_widht: unknown Stop field 'half_widht'; did you mean 'half_width'?",
    ),
    "column": (
        "batch = 2",
        'batch = 2\n[results]\nmetrics = ["efficiency", "nope"]',
        22,
        "results.metrics[1]: metrics must be one of",
    ),
    "column of a figure": (
        "batch = 2",
        f'batch = 2\n{COURSE}metric = "train_efficiency"',
        25,
        "figures[0].metric: metric must be one of",
    ),
    "column of a figure that is not kept": (
        "batch = 2",
        f'batch = 2\n[results]\nmetrics = ["largest"]\n{COURSE}metric = "efficiency"',
        27,
        "figures[0].metric: metric must be one of 'largest', got 'efficiency'",
    ),
    "syntax": ("[game]", "[game", 3, "not valid TOML"),
    "title": ('title = "Broken"', "title = 3", 1, "title: title must be a text, got 3"),
    "name": ('title = "Broken"', 'name = "a/b"', 1, "name: name must be"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_names_the_line_and_the_field_and_starts_nothing(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new, line, message = BROKEN[name]
    assert STUDY.count(old) == 1
    path = tmp_path / "broken.toml"
    path.write_text(STUDY.replace(old, new))
    code = main(["sweep", str(path), "--out", str(tmp_path / "out")])
    error = capsys.readouterr().err
    assert code == 2
    assert f"broken.toml, line {line}: " in error
    assert message in error
    assert error.count("\n") == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["broken.toml"]


def test_a_file_gives_its_study_and_its_name(tmp_path: Path) -> None:
    path = tmp_path / "corridor.toml"
    path.write_text(STUDY)
    study = read_study_file(path)
    assert study.name == "corridor"
    assert study.title == "Broken"
    assert len(study.cells) == 4
    assert study.stop == Stop(metric="efficiency", half_width=0.1, batch=2)
