"""The figures of studies: what is drawn is what was measured, and boundaries are where theory has them."""

import itertools
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from matplotlib import cbook
from matplotlib.collections import LineCollection
from PIL import Image

from mpgg_agents.experiments.boards import BoardAxes, EndBoard
from mpgg_agents.experiments.figures import About, save_figure
from mpgg_agents.experiments.game_study import GameStudy
from mpgg_agents.experiments.kinds import GameKind
from mpgg_agents.experiments.study.figures import draw, labels
from mpgg_agents.experiments.study.figures.against import against_figure
from mpgg_agents.experiments.study.figures.boundaries import read_boundary
from mpgg_agents.experiments.study.figures.cells import check_single
from mpgg_agents.experiments.study.figures.data import Series, StudyData
from mpgg_agents.experiments.study.figures.defaults import default_figures
from mpgg_agents.experiments.study.figures.heat import cell_texts, heat_figure, readable_on
from mpgg_agents.experiments.study.figures.levels import levels_of
from mpgg_agents.experiments.study.figures.line import line_figure
from mpgg_agents.experiments.study.figures.occupancy import occupancy_figure
from mpgg_agents.experiments.study.figures.phase import phase_figure
from mpgg_agents.experiments.study.figures.seeds import seeds_figure
from mpgg_agents.experiments.study.figures.spec import FigureSpec
from mpgg_agents.experiments.study.figures.theory import GameTheory
from mpgg_agents.experiments.study.figures.time import time_figure, windows
from mpgg_agents.experiments.study.settings import Study
from mpgg_agents.experiments.style import house_style
from mpgg_env import DilemmaWarning, MPGGConfig

HOSTILE = "_<script>$x$ & 'quoted' \\frac{1}\n"


def grid(**fields: Sequence[Any]) -> list[dict[str, Any]]:
    """The product of values of fields, the last one fastest; `game__n` stands for `game.n`."""
    names = [name.replace("__", ".") for name in fields]
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*fields.values())]


def made(points: list[dict[str, Any]], values: Any, seeds: int = 2) -> StudyData:
    """A study in which seed s of a cell with the value v has the outcome `m` v + s."""
    outcome = np.array(values, float)[:, None] + np.arange(seeds)
    return StudyData(points=points, outcomes={"m": outcome})


def game(**fields: Any) -> MPGGConfig:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DilemmaWarning)
        return MPGGConfig(**fields)


def texts(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


# ---- settings


def test_a_figure_reads_back_from_its_plain_values():
    spec = FigureSpec(
        kind="phase",
        metric="m",
        x="agent.gamma",
        y="game.n_agents",
        where={"game": {"boundary": "torus"}, "agent.move_order": [1, 0]},
        theory=["game.n_agents = sum_of_gains"],
    )
    assert spec.fixed == {"game.boundary": "torus", "agent.move_order": [1, 0]}
    assert spec.name == "phase_m_gamma_n_agents_boundary-torus_move_order-1-0"
    assert FigureSpec.from_dict(spec.to_dict()) == spec


WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"kind": "heats"}, ValueError, "kind must be one of 'line', .* got 'heats'; did you mean 'heat'"),
    ({"kind": "line", "metric": "m"}, ValueError, "x must be a swept field in a figure of kind 'line', got none"),
    ({"kind": "line", "x": "a.b"}, ValueError, "metric must be an outcome"),
    ({"kind": "occupancy", "metric": "m"}, ValueError, "metric must be left out"),
    ({"kind": "heat", "metric": "m", "x": "a.b", "y": "a.c", "by": "a.d"}, ValueError, "by must be left out"),
    ({"kind": "heat", "metric": "m", "x": "a.b", "y": "a.b"}, ValueError, "must be distinct, got 'a.b' twice"),
    ({"kind": "against", "metric": "m"}, ValueError, "theory must be one quantity"),
    ({"kind": "heat", "metric": "m", "x": "a.b", "y": "a.c", "theory": ["q"]}, ValueError, "theory must be left out"),
    ({"kind": "line", "metric": "m", "x": "a.b", "theory": ["q = 1"]}, ValueError, "theory must be the name of"),
    ({"kind": "phase", "metric": "m", "x": "a.b", "y": "a.c", "theory": ["q"]}, ValueError, "theory must be a bound"),
    ({"kind": "line", "metric": "m", "x": "a.b", "average": "a.c"}, TypeError, "average must be a list of names"),
    ({"kind": "line", "metric": "m", "x": "a.b", "log_x": "yes"}, TypeError, "log_x must be True or False"),
    ({"kind": "line", "metric": "m", "x": "a.b", "name": "../up"}, ValueError, "name must be 1 to 100 letters"),
    ({"kind": "line", "metric": 3, "x": "a.b"}, TypeError, "metric must be a name, got 3"),
    ({"kind": "line", "metric": "m", "x": "a.b", "where": "a"}, TypeError, "where must give values to fields"),
    ({"kind": "line", "metric": "m", "x": "a.b", "phase": "train"}, ValueError, "phase must be left out"),
    ({"kind": "line", "metric": "m", "x": "a.b", "contours": True}, ValueError, "contours must be False"),
    ({"kind": "line", "metric": "m", "z": "a.b"}, ValueError, "unknown FigureSpec field 'z'"),
]


@pytest.mark.parametrize(("values", "error", "words"), WRONG)
def test_wrong_settings_are_named(values, error, words):
    with pytest.raises(error, match=words):
        FigureSpec.from_dict(values)


def test_settings_are_checked_against_the_study():
    fields = {"agent.gamma": [0.0, 0.5], "game.boundary": ["torus", "wall"]}
    known: dict[str, Any] = {"outcomes": ["efficiency"], "metrics": ["payoff"], "theory": ["best"]}
    line = {"kind": "line", "metric": "efficiency", "x": "agent.gamma"}
    FigureSpec(**line, where={"game.boundary": "wall"}, theory=["best"]).check(fields, **known)
    wrong = [
        ({"x": "agent.gama"}, "x must be one of .* did you mean 'agent.gamma'"),
        ({"metric": "efficency"}, "metric must be one of 'efficiency', .* did you mean"),
        ({"kind": "time", "metric": "efficiency", "x": None}, "metric must be one of 'payoff'"),
        ({"where": {"game.boundary": "mask"}}, "where must have a value of game.boundary .* got 'mask'"),
        ({"theory": ["worst"]}, "theory must be one of 'best'"),
        ({"average": ["game.moves"]}, r"average\[0\] must be one of"),
    ]
    for changes, words in wrong:
        with pytest.raises(ValueError, match=words):
            FigureSpec(**{**line, **changes}).check(fields, **known)
    with pytest.raises(ValueError, match="this game has none"):
        FigureSpec(**line, theory=["best"]).check(fields, theory=[])
    with pytest.raises(ValueError, match="the study sweeps no field"):
        FigureSpec(**line).check({}, **known)


def test_a_mean_over_a_field_must_be_asked_for():
    points = grid(agent__gamma=[0.0, 0.5], agent__eta=[0.1, 0.2], game__boundary=["torus", "wall"])
    line = {"kind": "line", "metric": "m", "x": "agent.gamma"}
    with pytest.raises(ValueError, match=r"must say what becomes of game\.boundary"):
        check_single(points, FigureSpec(**line, by="agent.eta"))
    check_single(points, FigureSpec(**line, by="agent.eta", where={"game.boundary": "wall"}))
    check_single(points, FigureSpec(**line, by="agent.eta", average=["game.boundary"]))
    tied = [{"agent.gamma": value, "agent.eta": value / 2} for value in (0.1, 0.2)]  # rows of a list: eta follows gamma
    check_single(tied, FigureSpec(**line))


# ---- axes and texts


def test_texts_of_users_are_shown_letter_by_letter():
    for text in ("$x$", "$5 and $6", HOSTILE, "a\\$b$"):
        assert not cbook.is_math_text(labels.literal(text))
    assert labels.literal("a\nb") == "a\N{REPLACEMENT CHARACTER}b"
    assert labels.literal("x" * 40) == "x" * 27 + "…"
    assert labels.value_label({"name": "fine", "amount": 0.5}) == "fine amount 0.5"
    assert labels.value_label((2, 3)) == "(2, 3)"
    assert labels.value_label([{"name": "fine", "amount": 0.5}, {"name": "capacity"}]) == "fine amount 0.5 + capacity"
    assert labels.value_label([]) == "none"
    assert [labels.value_label(value) for value in (None, True, 0.95, 150)] == ["none", "yes", "0.95", "150"]
    numbers = {
        0.00002: r"$2\times10^{-5}$",
        1e-5: "$10^{-5}$",
        99999: "99999",
        1e6: "$10^{6}$",
        -0.5: "\N{MINUS SIGN}0.5",
    }
    assert {number: labels.number_label(number) for number in numbers} == numbers


def test_axes_follow_the_values():
    kinds = {
        (0.01, 0.1, 1.0): "log",
        (1, 2, 5, 10, 20, 50): "log",
        (0.0, 0.5, 1.0): "linear",
        (10, 20, 30, 40): "linear",
        (0.0, 0.5, 0.9, 0.99, 0.999): "ranks",  # to scale the last two would coincide
        ("torus", "wall"): "category",
        (None, 3): "category",
        (False, True): "category",
    }
    assert {values: levels_of("a.b", values).scale for values in kinds} == kinds
    assert levels_of("a.b", ["wall", "torus", "wall"]).values == ("wall", "torus")
    assert levels_of("a.b", [3, 1, 2, 1]).values == (1, 2, 3)
    np.testing.assert_allclose(levels_of("a.b", [1, 4, 16]).edges, [0.5, 2, 8, 32])  # half-way in the logarithm
    np.testing.assert_allclose(levels_of("a.b", [1, 2, 4], log=False).edges, [0.5, 1.5, 3, 5])
    np.testing.assert_allclose(
        levels_of("a.b", [0, 0.5, 0.9, 0.99, 0.999]).place(np.array([0.25, 0.7, 2.0])), [0.5, 1.5, np.nan]
    )
    assert levels_of("a.b", [0.999, 0.9999, 0.99995]).labels == ["0.999", "0.9999", "0.99995"]
    assert levels_of("a.b", [0.1234567, 0.5]).labels == ["0.123", "0.5"]
    with pytest.raises(ValueError, match=r"a logarithmic axis must have numbers > 0, got 0 of a\.b"):
        levels_of("a.b", [0, 1], log=True)


def test_default_labels_have_words_and_symbols():
    assert labels.field_label("agent.gamma") == r"discount $\gamma$"
    assert labels.setting_label("agent.gamma", 0.5) == r"$\gamma$ = 0.5"
    assert labels.setting_label("game.min_players", 2) == "least players = 2"
    assert labels.field_label("agent.batch_size") == "batch size"
    assert labels.outcome_label("cooperation_rate") == "cooperation rate"


# ---- lines and courses


def test_lines_are_means_with_intervals_over_seeds():
    points = grid(agent__eta=[0.01, 0.1, 1.0], game__boundary=["torus", "wall"])
    figure = line_figure(
        made(points, [1, 5, 2, 6, 3, 7]), FigureSpec(kind="line", metric="m", x="agent.eta", by="game.boundary")
    )
    (axes,) = figure.axes
    torus, wall = axes.get_lines()
    assert axes.get_xscale() == "log"
    assert torus.get_xdata().tolist() == [0.01, 0.1, 1.0]
    assert torus.get_ydata().tolist() == [1.5, 2.5, 3.5]
    assert wall.get_ydata().tolist() == [5.5, 6.5, 7.5]
    # Of two seeds that differ by 1: Student's t at 97.5 % with one degree of freedom, 12.706, times 1 / 2.
    (path,) = axes.collections[0].get_paths()
    assert path.vertices[:, 1].min() == pytest.approx(1.5 - 6.353, abs=1e-3)
    assert path.vertices[:, 1].max() == pytest.approx(3.5 + 6.353, abs=1e-3)
    assert texts(figure) == ["torus", "wall"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == (r"learning rate $\eta$", "m")


def test_named_fields_are_averaged_seed_by_seed():
    points = grid(agent__gamma=[0.0, 0.5], game__boundary=["torus", "wall"])
    data = StudyData(points=points, outcomes={"m": np.array([[0.0, 10.0], [2.0, 8.0], [1.0, 1.0], [3.0, np.nan]])})
    spec = FigureSpec(kind="line", metric="m", x="agent.gamma", average=["game.boundary"])
    axes = line_figure(data, spec).axes[0]
    assert axes.get_lines()[0].get_ydata().tolist() == [5.0, 2.0]  # (1 + 9) / 2; the second seed has no mean at 0.5
    (path,) = axes.collections[0].get_paths()
    assert path.vertices[:, 1].max() == pytest.approx(5 + 12.706 * 4, abs=1e-2)  # of 1 and 9: t times 8 / 2


def test_categories_are_points_and_theory_stands_beside():
    points = grid(game__boundary=["torus", "wall"], agent__tie=["first", HOSTILE])
    outcomes = made(points, [1, 2, 3, 4]).outcomes
    data = StudyData(points=points, outcomes=outcomes, theory={"best": np.array([8.0, 8.0, 9.0, 9.0])})
    spec = FigureSpec(kind="line", metric="m", x="game.boundary", by="agent.tie", theory=["best"])
    figure = line_figure(data, spec)
    (axes,) = figure.axes
    drawn = [line for line in axes.get_lines() if len(line.get_xdata()) == 2 and line.get_marker() in "ov"]
    np.testing.assert_allclose([line.get_ydata() for line in drawn], [[1.5, 3.5], [2.5, 4.5]])
    theory = [lines for lines in axes.collections if isinstance(lines, LineCollection)][-1]
    assert sorted(segment[0, 1] for segment in theory.get_segments()) == [8.0, 9.0]
    assert np.all(drawn[0].get_xdata() < drawn[1].get_xdata())  # beside each other
    assert texts(figure)[0] == "first"
    assert texts(figure)[1].startswith(" _<script>\\$x\\$")  # a label that began with "_" would not be there
    assert texts(figure)[2] == "best"


def test_long_categories_are_turned_and_take_no_room_from_the_panels():
    names = [f"category {number} with a long name" for number in range(4)]
    spec = FigureSpec(kind="line", metric="m", x="a.b")
    short, long = (line_figure(made(grid(a__b=values), range(4)), spec) for values in (list("abcd"), names))
    turned = [figure.axes[0].get_xticklabels()[0].get_rotation() for figure in (short, long)]
    assert turned == [0, 30]
    for figure in (short, long):
        figure.canvas.draw()
    assert long.axes[0].bbox.height > 0.8 * short.axes[0].bbox.height


def test_long_names_beside_rows_are_broken_and_take_no_room_from_the_panels():
    spec = FigureSpec(kind="line", metric="m", x="a.x", rows="a.a_field_with_a_name_of_many_words")
    points = grid(a__x=[1.0, 2.0], a__a_field_with_a_name_of_many_words=["one of its longest values", "b"])
    figure = line_figure(made(points, range(4)), spec)
    figure.canvas.draw()
    beside = [axes.texts[0].get_window_extent().height for axes in figure.axes]
    assert max(beside) < figure.axes[0].bbox.height + 5
    assert figure.axes[0].bbox.height > 0.3 * figure.bbox.height


def test_theory_that_depends_on_the_colour_has_it():
    points = grid(agent__gamma=[0.0, 0.5, 0.9], game__min_players=[1, 2])
    best = np.array([7.0, 8.0, 7.0, 8.0, 7.0, 9.0])
    data = StudyData(points=points, outcomes=made(points, range(6)).outcomes, theory={"best": best})
    spec = FigureSpec(kind="line", metric="m", x="agent.gamma", by="game.min_players", theory=["best"])
    one, other, low, high = line_figure(data, spec).axes[0].get_lines()
    assert [line.get_ydata().tolist() for line in (low, high)] == [[7, 7, 7], [8, 8, 9]]
    assert (low.get_color(), high.get_color()) == (one.get_color(), other.get_color())


def test_courses_are_means_over_windows_of_the_chosen_cells():
    rounds = np.arange(300.0)
    points = grid(agent__gamma=[0.0, 0.5], game__boundary=["torus", "wall"])
    series = {
        number: Series(rounds=rounds, values=np.stack([rounds + number, rounds + number + 2])) for number in range(4)
    }
    data = StudyData(points=points, series=series)
    spec = FigureSpec(kind="time", metric="m", by="agent.gamma", where={"game.boundary": "wall"})
    axes = time_figure(data, spec).axes[0]
    first, second = axes.get_lines()
    assert first.get_xdata()[:2].tolist() == [1.0, 4.0]  # 300 rounds are 100 windows of 3
    assert first.get_ydata()[:2].tolist() == [3.0, 6.0]  # cell 1: the mean of 1 and 3 above the round
    assert second.get_ydata()[0] == 5.0
    middle, means = windows(Series(rounds=np.arange(250.0), values=np.full((1, 250), 7.0)))
    assert (len(middle), middle[-1], set(means[0])) == (84, 249.0, {7.0})


# ---- maps


def test_heat_maps_show_means_numbers_and_what_is_missing():
    points = grid(agent__gamma=[0.0, 0.9, 0.99], game__boundary=["torus", "wall"])
    data = made(points, [0.1, 0.2, 0.3, np.nan, 0.5, 0.6])
    figure = heat_figure(data, FigureSpec(kind="heat", metric="m", x="agent.gamma", y="game.boundary"))
    axes, bar = figure.axes
    (mesh,) = axes.collections
    shown = mesh.get_array().reshape(2, 3)
    np.testing.assert_allclose(shown.filled(np.nan), [[0.6, 0.8, 1.0], [0.7, np.nan, 1.1]])
    assert axes.patches[0].get_hatch()  # behind the map, seen where it is masked
    assert [text.get_text() for text in axes.texts] == ["0.60", "0.80", "1.00", "0.70", "1.10"]
    assert axes.texts[0].get_position() == (0.0, 0.0)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "0.9", "0.99"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["torus", "wall"]
    assert bar.get_ylabel() == "m"
    many = grid(agent__gamma=np.linspace(0, 1, 40).tolist(), agent__eta=np.linspace(0.1, 1, 40).tolist())
    crowded = heat_figure(made(many, range(1600)), FigureSpec(kind="heat", metric="m", x="agent.gamma", y="agent.eta"))
    assert not crowded.axes[0].texts
    assert len(crowded.axes[0].get_xticks()) < 12


def test_numbers_in_cells_stand_out():
    assert cell_texts(np.array([[0.123, -4.0], [np.nan, 9.999]])) == {
        (0, 0): "0.12",
        (0, 1): "\N{MINUS SIGN}4.00",
        (1, 1): "10.00",
    }
    assert cell_texts(np.array([[123.4, 5.0]])) == {(0, 0): "123", (0, 1): "5"}
    from matplotlib import colormaps

    for share in np.linspace(0, 1, 101):
        # Contrast of WCAG 2.1: (brighter + 0.05) / (darker + 0.05), at least 4.5 for text.
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colormaps["viridis"](share)[:3]]
        luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        text = 0.0 if readable_on(share) == "black" else 1.0
        assert (max(luminance, text) + 0.05) / (min(luminance, text) + 0.05) >= 4.5


def test_small_multiples_share_scales_and_the_colour_bar():
    points = grid(
        agent__gamma=[0.0, 0.5], agent__eta=[0.1, 0.2], agent__tie=["first", "last"], game__boundary=["torus", "wall"]
    )
    data = made(points, range(16))
    spec = FigureSpec(
        kind="heat", metric="m", x="agent.gamma", y="agent.eta", columns="agent.tie", rows="game.boundary"
    )
    figure = heat_figure(data, spec)
    assert len(figure.axes) == 5
    meshes = [axes.collections[0] for axes in figure.axes[:4]]
    assert {mesh.get_clim() for mesh in meshes} == {(0.5, 15.5)}
    np.testing.assert_allclose(meshes[0].get_array().ravel(), [0.5, 8.5, 4.5, 12.5])  # torus, first
    np.testing.assert_allclose(meshes[3].get_array().ravel(), [3.5, 11.5, 7.5, 15.5])  # wall, last
    assert [axes.get_title() for axes in figure.axes[:4]] == ["tie = first", "tie = last", "", ""]
    assert [axes.texts[0].get_text() for axes in (figure.axes[1], figure.axes[3])] == [
        "boundary = torus",
        "boundary = wall",
    ]
    lines = line_figure(
        data,
        FigureSpec(kind="line", metric="m", x="agent.gamma", by="agent.eta", columns="agent.tie", rows="game.boundary"),
    )
    assert len({axes.get_ylim() for axes in lines.axes}) == 1


# ---- boundaries of the theory


def theory(config: Any) -> dict[str, float]:
    """Thirty agents for each least player; a threshold of the agents at 90; nothing that depends on the boundary."""
    return {
        "limit": 30.0 * config.min_players,
        "threshold": 90.0,
        "jump": float(config.n_agents > 90),
        "by_boundary": {"torus": 60.0, "wall": 120.0, "mask": 500.0}[config.boundary],
    }


def phase(points: list[dict[str, Any]], x: str, y: str, entries: list[str], **settings: Any) -> Any:
    """The figure, and its axes."""
    spec = FigureSpec(kind="phase", metric="m", x=x, y=y, theory=entries, **settings)
    data = made(points, range(len(points)))
    boundaries = [read_boundary(text) for text in entries]
    cells = data.chosen(spec)
    across, up = data.levels(x, cells, log=spec.log_x), data.levels(y, cells, log=spec.log_y)
    figure = phase_figure(data, spec, [GameTheory(theory).plane(game(), across, up, boundaries)], boundaries)
    return figure, figure.axes[0]


def pieces(axes: Any, text: str) -> Any:
    """The points of a boundary, (points, 2)."""
    (lines,) = [lines for lines in axes.collections if lines.get_gid() == text]
    return np.concatenate([path.vertices for path in lines.get_paths()])


@pytest.mark.parametrize(
    ("agents", "scale"),
    [([20, 60, 100, 140], "linear"), ([20, 40, 80, 160, 320], "log"), ([20, 40, 41, 200], "linear")],
)
def test_a_boundary_of_two_fields_is_where_theory_has_it(agents, scale):
    text = "game.n_agents = limit"
    _, axes = phase(
        grid(game__n_agents=agents, game__min_players=[1, 2, 3, 4]),
        "game.n_agents",
        "game.min_players",
        [text],
        log_x=scale == "log",
    )
    assert axes.get_xscale() == scale
    line = pieces(axes, text)
    # Below 1 and above 4 players, where the last cells end, it stays at their games' limits of 30 and 120 agents.
    np.testing.assert_allclose(line[:, 0], 30 * np.clip(line[:, 1], 1, 4), rtol=1e-9)
    assert (line[:, 1].min(), line[:, 1].max()) == (0.5, 4.5)


def test_a_boundary_of_one_field_is_a_straight_line_across():
    text = "game.n_agents = threshold"
    points = grid(agent__eta=[0.01, 0.1, 1.0], game__n_agents=[25, 50, 100, 200, 400])
    _, axes = phase(points, "game.n_agents", "agent.eta", [text])
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    line = pieces(axes, text)
    np.testing.assert_allclose(line[:, 0], 90.0)
    np.testing.assert_allclose([line[:, 1].min(), line[:, 1].max()], axes.get_ylim())
    _, turned = phase(points, "agent.eta", "game.n_agents", [text])
    np.testing.assert_allclose(pieces(turned, text)[:, 1], 90.0)
    _, jump = phase(points, "game.n_agents", "agent.eta", ["jump = 0.5"])
    assert np.all(np.abs(pieces(jump, "jump = 0.5")[:, 0] - 90.5) < 1.5)  # between the integers 90 and 91


def test_boundaries_fit_uneven_axes_and_categories():
    uneven = grid(game__n_agents=[20, 100, 105, 110, 111], agent__eta=[0.1, 0.2])
    text = "game.n_agents = threshold"
    _, axes = phase(uneven, "game.n_agents", "agent.eta", [text])
    np.testing.assert_allclose(pieces(axes, text)[:, 0], 70 / 80)  # 90 between 20 at place 0 and 100 at place 1
    text = "game.n_agents = by_boundary"
    _, axes = phase(
        grid(game__n_agents=[20, 60, 100, 140], game__boundary=["torus", "wall", "mask"]),
        "game.n_agents",
        "game.boundary",
        [text],
    )
    (lines,) = [lines for lines in axes.collections if lines.get_gid() == text]
    segments = sorted(np.round(segment, 9).tolist() for segment in lines.get_segments())
    assert segments == [[[60.0, -0.5], [60.0, 0.5]], [[120.0, 0.5], [120.0, 1.5]]]  # none where it is at 500
    with pytest.raises(ValueError, match="theory must be left out unless"):
        phase(
            grid(game__moves=["moore", "von_neumann"], game__boundary=["torus", "wall"]),
            "game.moves",
            "game.boundary",
            [text],
        )


def test_the_legend_names_boundaries_also_those_that_are_nowhere():
    points = grid(game__n_agents=[100, 200, 300], game__min_players=[1, 2])
    figure, axes = phase(points, "game.n_agents", "game.min_players", ["game.n_agents = 150", "game.n_agents = 20"])
    assert texts(figure) == ["$N$ = 150", "$N$ = 20 (nowhere here)"]
    np.testing.assert_allclose(pieces(axes, "game.n_agents = 150")[:, 0], 150.0)
    assert not [lines for lines in axes.collections if lines.get_gid() == "game.n_agents = 20"]


def test_games_that_rules_refuse_have_no_theory_and_each_is_analysed_once():
    seen: list[MPGGConfig] = []

    def counted(config: MPGGConfig) -> dict[str, float]:
        seen.append(config)
        return {"q": float(config.min_players)}

    data = made(grid(game__min_players=[1, 3], game__n_agents=[10, 20]), range(4))
    cells = np.arange(4)
    across, up = data.levels("game.min_players", cells), data.levels("game.n_agents", cells)
    known = GameTheory(counted)
    plane = known.plane(game(), across, up, [read_boundary("q = 2")])
    assert plane.across.values is not None
    assert plane.across.values[0] == 0  # half a cell to the left, where there is no such game
    assert np.isnan(plane.quantities["q"][:, 0]).all()
    np.testing.assert_allclose(
        plane.quantities["q"][:, 1:], np.tile(plane.across.values[1:], (len(plane.up.places), 1))
    )
    count = len(seen)
    known.plane(game(), across, up, [read_boundary("q = 2")])
    assert len(seen) == count == len(set(seen))


def test_only_games_around_a_boundary_are_analysed():
    seen = []

    def counted(config: Any) -> dict[str, float]:
        seen.append(config)
        return {"q": float(config.n_agents) ** 2 / 100 + config.min_players}

    data = made(grid(game__n_agents=[10, 40, 70, 100], game__min_players=[1, 11, 21]), range(12))
    across, up = (data.levels(f"game.{name}", np.arange(12)) for name in ("n_agents", "min_players"))
    boundary = read_boundary("q = 40")
    plane = GameTheory(counted).plane(game(), across, up, [boundary])
    nodes = np.array(plane.across.values, float)[None] ** 2 / 100 + np.array(plane.up.values, float)[:, None]
    known = ~np.isnan(plane.quantities["q"])
    np.testing.assert_array_equal(plane.quantities["q"][known] > 40, nodes[known] > 40)
    near = known & (np.abs(nodes - 40) < 3)
    assert near.sum() > 20
    np.testing.assert_allclose(plane.quantities["q"][near], nodes[near])
    assert len(seen) < nodes.size / 2


def test_phase_diagrams_are_filled_contours_or_points_where_asked_or_sparse():
    points = grid(agent__gamma=[0.0, 0.5, 1.0], agent__eta=[0.1, 0.2, 0.3])
    spec = {"kind": "phase", "metric": "m", "x": "agent.gamma", "y": "agent.eta"}
    figure = phase_figure(made(points, range(9)), FigureSpec(**spec, contours=True))
    assert figure.axes[0].get_xlim() == (0.0, 1.0)
    places = np.random.default_rng(1).random((30, 2))
    sample = [{"agent.gamma": x, "agent.eta": y} for x, y in places.tolist()]
    (scatter,) = phase_figure(made(sample, range(30)), FigureSpec(**spec)).axes[0].collections
    assert sorted(map(tuple, scatter.get_offsets().tolist())) == sorted(map(tuple, places.tolist()))
    categories = grid(agent__gamma=[0.0, 1.0], agent__eta=["a", "b"])
    with pytest.raises(ValueError, match="contours must be False"):
        phase_figure(made(categories, range(4)), FigureSpec(**spec, contours=True))


# ---- seeds, theory, boards


def test_every_seed_is_a_point_with_the_quartiles():
    points = grid(agent__gamma=[0.0, 0.5], game__boundary=["torus", "wall"])
    data = made(points, [0, 10, 20, 30], seeds=5)
    axes = seeds_figure(
        data, FigureSpec(kind="seeds", metric="m", x="agent.gamma", where={"game.boundary": "wall"})
    ).axes[0]
    points_drawn = axes.get_lines()[0]
    assert sorted(points_drawn.get_ydata()) == [*range(10, 15), *range(30, 35)]
    assert np.abs(points_drawn.get_xdata() - np.repeat([0, 1], 5)).max() < 0.4
    heights = [
        segment[0, 1]
        for lines in axes.collections
        for segment in lines.get_segments()
        if segment[0, 1] == segment[1, 1]
    ]
    assert sorted(heights) == [11, 12, 13, 31, 32, 33]  # quartiles and median of 10, ..., 14 and of 30, ..., 34
    cells = seeds_figure(data, FigureSpec(kind="seeds", metric="m")).axes[0]
    assert [label.get_text() for label in cells.get_xticklabels()] == ["0", "1", "2", "3"]
    many = made(grid(agent__gamma=np.linspace(0, 1, 50).tolist()), range(50))
    to_scale = seeds_figure(many, FigureSpec(kind="seeds", metric="m", x="agent.gamma")).axes[0].get_lines()[0]
    np.testing.assert_allclose(to_scale.get_xdata(), np.repeat(np.linspace(0, 1, 50), 2))


def test_learned_against_theory_has_a_point_per_cell_and_the_diagonal():
    points = grid(agent__gamma=[0.0, 0.5, 0.9])
    outcomes = made(points, [0.0, 1.0, 2.0], seeds=3).outcomes
    data = StudyData(points=points, outcomes=outcomes, theory={"best": np.array([1.0, 2.0, 4.0])})
    axes = against_figure(data, FigureSpec(kind="against", metric="m", theory=["best"])).axes[0]
    cells, diagonal = axes.get_lines()
    assert cells.get_xdata().tolist() == [1.0, 2.0, 4.0]
    assert cells.get_ydata().tolist() == [1.0, 2.0, 3.0]
    np.testing.assert_allclose(diagonal.get_xdata(), diagonal.get_ydata())
    assert axes.get_xlim() == axes.get_ylim()


def test_boards_stand_side_by_side_on_one_scale():
    beside = BoardAxes(
        shape=(2, 3), row_labels=["1", "2"], column_labels=["3", "4", "5"], row_title="c", column_title="r"
    )
    boards = [
        EndBoard(axes=beside, occupancy=np.arange(6.0) * k, cooperation=np.array([np.nan, 0.1, 0.2, 0.3, 0.4, 0.1 * k]))
        for k in (1, 2)
    ]
    figure = occupancy_figure(boards, ["one", "two"])
    images = [axes.images[0] for axes in figure.axes[:4]]
    np.testing.assert_allclose(images[1].get_array(), np.arange(6.0).reshape(2, 3) * 2)
    assert [image.get_clim() for image in images] == [(0, 10), (0, 10), (0, 0.4), (0, 0.4)]
    assert images[2].get_array().mask[0, 0]  # where nobody is, no share
    assert [axes.get_title() for axes in figure.axes[:2]] == ["one", "two"]
    with pytest.raises(ValueError, match="boards must be 1 to 8 cells"):
        occupancy_figure([boards[0]] * 9, ["x"] * 9)


# ---- whole studies

SWEEPS: dict[str, tuple[list[str], dict[str, Sequence[Any]]]] = {
    "none": (["seeds", "time", "occupancy"], {}),
    "one number": (["line", "seeds", "time", "occupancy"], {"agent__gamma": [0.0, 0.5, 0.9]}),
    "two": (["heat", "phase", "line", "time"], {"agent__gamma": [0.0, 0.5, 0.9], "game__n_agents": [10, 20, 30, 40]}),
    "a category": (
        ["heat", "line", "time", "occupancy"],
        {"agent__gamma": [0.0, 0.5], "game__boundary": ["torus", "wall"]},
    ),
    "three": (
        ["heat", "phase", "line", "time"],
        {"agent__gamma": [0.0, 0.5], "agent__eta": [0.1, 0.2, 0.3], "game__boundary": ["torus", "wall"]},
    ),
    "five": (
        ["heat", "phase", "line", "time"],
        {f"agent__{name}": [0.1, 0.2] for name in ("gamma", "eta", "eps_0")}
        | {"agent__tie": ["first", "last"], "game__boundary": ["torus", "wall"]},
    ),
}


@pytest.mark.parametrize("sweep", SWEEPS)
def test_default_figures_fit_the_sweep(sweep):
    kinds, fields = SWEEPS[sweep]
    points = grid(**fields)
    swept = {name.replace("__", "."): values for name, values in fields.items()}
    known: dict[str, Any] = {"outcomes": ["efficiency"], "metrics": ["efficiency"]}
    specs = default_figures(swept, cells=len(points), boundaries=["game.n_agents = limit"], boards=True, **known)
    assert [spec.kind for spec in specs] == kinds
    for spec in specs:
        spec.check(swept, theory=["limit"], **known)
        check_single(points, spec)
    theories = [spec.theory for spec in specs if spec.kind == "phase"]
    assert theories == ([("game.n_agents = limit",)] if sweep == "two" else [()] * len(theories))


def test_default_figures_of_a_random_sample_are_points():
    sampled = {"agent.gamma": [0.1, 0.2, 0.4], "agent.eta": [0.3, 0.31, 0.5]}
    specs = default_figures(sampled, cells=3, outcomes=["m"])
    assert [(spec.kind, spec.x, spec.y) for spec in specs] == [
        ("phase", "agent.gamma", "agent.eta"),
        ("seeds", "agent.gamma", None),
        ("seeds", "agent.eta", None),
    ]


class MadeRun:
    """A study that was not played: its outcomes are the number of the cell plus the number of the seed."""

    outcome_names = ("efficiency",)

    def __init__(self, path: Path, study: Study) -> None:
        self.path, self.study, self.fields = path, study, list(study.sweep.parts)
        self.points = list(study.sweep.points())
        self.store = SimpleNamespace(path=path)  # is there
        (path / "table").mkdir(parents=True)
        self.manifest = {"parts": {"table/part-00000.parquet": ""}}
        pa.parquet.write_table(self.table(), path / "table" / "part-00000.parquet")

    def outcome(self, name: str) -> Any:
        return np.arange(len(self.points), dtype=float)[:, None] + [3.0, 8.0]

    def table(self, columns: list[str] | None = None) -> Any:
        rows = itertools.product(range(len(self.points)), (3, 8), ("train", "greedy"), (0, 10, 20))
        names = ("cell", "seed", "phase", "round")
        table = pa.table({name: list(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)})
        columns_of = (table[name].to_pylist() for name in names)
        sums = [c + s + r + 1000 * (phase == "greedy") for c, s, phase, r in zip(*columns_of, strict=True)]
        table = table.append_column("efficiency", [[float(value) for value in sums]])
        return table if columns is None else table.select(columns)

    def cells(self) -> Any:
        return pa.table({"runs": [[f"key{cell}"] for cell in range(len(self.points))]})

    def runs(self, cell: int) -> list[int]:
        return [cell]


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the migratory game is asked for by the figures of studies."""
    beside = BoardAxes(shape=(1, 2), row_labels=["1"], column_labels=["2", "3"], row_title="c", column_title="r")

    def end_board(runs: list[int]) -> EndBoard:
        return EndBoard(axes=beside, occupancy=np.array([1.0, runs[0]]), cooperation=np.array([0.5, 0.25]))

    found = GameStudy(
        outcomes=lambda run: {},
        help={},
        main=("efficiency",),
        defaults=lambda sections: {},
        theory=theory,
        theory_help=dict.fromkeys(theory(game()), ""),
        boundaries=("game.n_agents = threshold",),
        end_board=end_board,
    )
    monkeypatch.setattr(GameKind, "study", lambda kind: found)


def made_study(**changes: Any) -> Study:
    sweep = {"grid": {"game": {"n_agents": [50, 100, 150]}, "agent": {"gamma": [0.0, 0.9]}}}
    return Study.from_dict(
        {
            "name": "corridor",
            "title": "Does <a> $corridor$ emerge? \N{GREEK SMALL LETTER ETA}",
            "sweep": sweep,
            **changes,
        }
    )


def test_files_name_the_study_and_its_cells(tmp_path):
    about = About(title="A & B <c>", description="dém\N{GREEK SMALL LETTER ETA}", source="study corridor, cells 0-3")
    figure = line_figure(made(grid(agent__eta=[0.1, 0.2]), [1, 2]), FigureSpec(kind="line", metric="m", x="agent.eta"))
    for kind in ("png", "pdf", "svg"):
        save_figure(figure, tmp_path / f"figure.{kind}", about)
        save_figure(figure, tmp_path / f"again.{kind}", about)
        assert (tmp_path / f"figure.{kind}").read_bytes() == (tmp_path / f"again.{kind}").read_bytes()
    with Image.open(tmp_path / "figure.png") as image:
        assert image.info["Title"] == about.title
        assert image.info["Description"] == about.description
        assert image.info["Source"] == about.source
        assert "Software" not in image.info
    pdf = (tmp_path / "figure.pdf").read_bytes()
    assert b"/Title (A & B <c>)" in pdf
    assert b"/Keywords (study corridor, cells 0-3)" in pdf
    assert about.description.encode("utf-16") in pdf or "\N{GREEK SMALL LETTER ETA}".encode("utf-16-be") in pdf
    assert b"CreationDate" not in pdf
    tree = ElementTree.parse(tmp_path / "figure.svg")
    found = {
        kind: tree.find(f".//{{http://purl.org/dc/elements/1.1/}}{kind}")
        for kind in ("title", "description", "source", "date")
    }
    assert {kind: None if node is None else node.text for kind, node in found.items()} == {
        "title": about.title,
        "description": about.description,
        "source": about.source,
        "date": None,
    }


def test_a_study_without_figures_of_its_own_is_drawn(hooks, tmp_path):
    run: Any = MadeRun(tmp_path / "study", made_study())
    specs = draw.study_figures(run)
    assert [spec.kind for spec in specs] == ["heat", "phase", "line", "time", "occupancy"]
    assert specs[1].theory == ("game.n_agents = threshold",)
    files = [f"{specs[1].name}.svg", f"{specs[4].name}.png"]
    written = draw.draw_study_figures(run, files)
    assert [path.name for path in written] == files
    assert written[0].parent == run.path / "figures"
    before = written[0].read_bytes()
    assert [path.read_bytes() for path in draw.draw_study_figures(run, files[:1])] == [before]
    with Image.open(written[1]) as image:
        assert image.info["Title"] == f"{run.study.title}: occupancy"
        assert image.info["Source"] == "study corridor, cells 0-5, runs key0, key1, key2, key3, key4, key5"
        assert image.width == 2100  # 7 inches at 300 dots: six boards need two columns
    figures = draw.study_figure_set(run)
    with house_style():
        drawn = {spec.kind: figures.drawers[spec.name](figures.read()) for spec in specs}
    np.testing.assert_allclose(pieces(drawn["phase"].axes[0], "game.n_agents = threshold")[:, 0], 90.0)
    np.testing.assert_allclose(
        drawn["heat"].axes[0].collections[0].get_array().ravel(), 5.5 + np.array([0, 2, 4, 1, 3, 5])
    )
    times = drawn["time"].axes[0].get_lines()
    assert [line.get_xdata().tolist() for line in times[:1]] == [[0.0, 10.0, 20.0]]
    np.testing.assert_allclose(times[0].get_ydata(), 5.5 + 0.5 + np.array([0, 10, 20]))  # cells 0 and 1 have 50 agents
    boards = [axes.images[0].get_array().ravel()[1] for axes in drawn["occupancy"].axes[:6]]
    assert boards == [0, 1, 2, 3, 4, 5]
    assert drawn["occupancy"].axes[2].get_title() == "$N$ = 100,\n$\\gamma$ = 0"


def test_figures_of_a_file_are_checked_and_told(hooks, tmp_path):
    entry = {
        "kind": "line",
        "metric": "efficiency",
        "x": "game.n_agents",
        "where": {"agent": {"gamma": 0.9}},
        "theory": ["limit"],
    }
    run: Any = MadeRun(tmp_path / "study", made_study(figures=[entry]))
    (spec,) = draw.study_figures(run)
    told = draw.about(run, spec)
    assert told.source == "study corridor, cells 1, 3, 5, runs key1, key3, key5"
    assert told.description == (
        "efficiency over game.n_agents; theory: limit; where agent.gamma = 0.9; mean over the seeds with 95 % interval"
    )
    wrong = {
        "x must be one of": {**entry, "x": "game.agents"},
        "must say what becomes of agent.gamma": {**entry, "where": {}},
        "theory must be one of": {**entry, "theory": ["nothing"]},
    }
    for words, changed in wrong.items():
        other: Any = MadeRun(tmp_path / words[:20], made_study(figures=[changed]))
        with pytest.raises(ValueError, match=words):
            draw.study_figures(other)
    twice: Any = MadeRun(tmp_path / "twice", made_study(figures=[entry, entry]))
    with pytest.raises(ValueError, match="name must be another one for each figure"):
        draw.study_figures(twice)
    assert draw.ranges([0, 1, 2, 5, 7, 8]) == "0-2, 5, 7-8"


def test_theory_needs_one_game_in_each_panel(hooks, tmp_path):
    sweep = {
        "grid": {"game": {"n_agents": [50, 100, 150], "boundary": ["torus", "wall"]}, "agent": {"gamma": [0.0, 0.9]}}
    }
    entry = {
        "kind": "phase",
        "metric": "efficiency",
        "x": "game.n_agents",
        "y": "agent.gamma",
        "theory": ["jump = 0.5"],
    }
    run: Any = MadeRun(tmp_path / "a", made_study(sweep=sweep, figures=[{**entry, "average": ["game.boundary"]}]))
    figures = draw.study_figure_set(run)
    with pytest.raises(ValueError, match=r"theory must be of one game in each panel, but game\.boundary differs"):
        next(iter(figures.drawers.values()))(figures.read())
    split: Any = MadeRun(tmp_path / "b", made_study(sweep=sweep, figures=[{**entry, "columns": "game.boundary"}]))
    figures = draw.study_figure_set(split)
    panels = next(iter(figures.drawers.values()))(figures.read()).axes[:2]
    assert all(len(pieces(axes, "jump = 0.5")) for axes in panels)


def test_hostile_texts_are_drawn_as_they_are(tmp_path):
    points = grid(agent__tie=["first", HOSTILE], agent__gamma=[0.0, 0.5, 0.9])
    spec = FigureSpec(kind="line", metric="m", x="agent.gamma", columns="agent.tie", title=f"$ {HOSTILE} $", by=None)
    with house_style():
        save_figure(line_figure(made(points, range(6)), spec), tmp_path / "line.svg")
        heat = FigureSpec(kind="heat", metric="m", x="agent.tie", y="agent.gamma")
        figure = heat_figure(made(points, range(6)), heat)
        save_figure(figure, tmp_path / "heat.png")
    with Image.open(tmp_path / "heat.png") as image:
        assert image.width == 1020  # 3.4 inches at 300 dots: one column
    ElementTree.parse(tmp_path / "line.svg")
