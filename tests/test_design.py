"""Mechanism design: strengths that follow from the thresholds by hand, and learners under them."""

import json
import math
import re

import numpy as np
import pytest

from mpgg_agents.cli import main
from mpgg_agents.design import DesignConfig, run_study
from mpgg_agents.design.command import learners
from mpgg_agents.design.figure import design_figure
from mpgg_agents.design.report import agrees, numbers, text
from mpgg_agents.experiments.style import house_style
from mpgg_env import MPGGConfig
from mpgg_env.analysis.design import design
from mpgg_env.analysis.outcomes import outcome
from mpgg_env.games.mpgg.mechanisms import Capacity, Fine, PeerPunishment, Subsidy

# Four agents in one casino with c = 1 and r = 2: the temptation to defect is g = c (1 - r / n) = 1 / 2, the social
# optimum 4 v = 4, and without a mechanism everybody defects.
FOUR = MPGGConfig(n_agents=4, grid_shape=(1, 1), cost=(1.0,), gain=(2.0,))
# Without a price on moves: two casinos of costs 1 and 2 for four agents.
PAIR = MPGGConfig(n_agents=4, grid_shape=(1, 2), cost=(1.0, 2.0), gain=(1.5, 1.5), moves="anywhere")


@pytest.mark.parametrize(
    ("family", "strength"),
    [
        ("fine", 1 / 2),  # g
        ("subsidy", 1 / 2),  # g
        ("subsidy_local", 2 / 3),  # g n / (n - 1)
        ("pigou", 1 / 3),  # (n - r) / (r (n - 1))
        ("peer", 1 / 6),  # g / (n - 1)
    ],
)
def test_full_cooperation_needs_the_threshold_of_the_mechanism(family, strength):
    found = design(FOUR, family, goal=1.0)
    assert found.reached
    assert found.strength == pytest.approx(strength, rel=1e-9)
    assert (found.before.efficiency, found.after.efficiency) == (0.0, pytest.approx(1.0))
    assert found.after.cooperation == 1.0
    assert found.after.equilibrium.exploitability < 1e-9


def test_a_smaller_fine_keeps_as_many_cooperators_as_it_pays_for():
    # k = floor(n f / g) cooperators: two for f = 1 / 4, whose welfare is half of the optimum's.
    found = design(FOUR, "fine", goal=0.5)
    assert found.strength == pytest.approx(1 / 4, rel=1e-9)
    assert found.after.equilibrium.cooperators.tolist() == [2]
    assert found.after.exchanged == pytest.approx(2 * 1 / 4, rel=1e-9)


def test_what_a_subsidy_costs_is_not_counted_as_welfare():
    found = design(FOUR, "subsidy", goal=1.0)
    assert found.after.sponsor == pytest.approx(4 * 1 / 2, rel=1e-9)
    assert found.after.welfare == pytest.approx(4.0, rel=1e-9)
    assert found.after.equilibrium.welfare == pytest.approx(6.0, rel=1e-9)


def test_a_capacity_of_r_seats_is_the_best_one_and_serves_half_of_four():
    found = design(FOUR, "capacity", goal=0.5)
    assert found.reached
    assert found.mechanism == Capacity(seats=(2,))
    assert found.after.welfare == pytest.approx(2.0)


def test_a_capacity_that_nobody_notices_comes_first():
    # Two of four agents in a casino of gain 6 are too few to defect: the game needs no limit.
    config = FOUR.replace(gain=(6.0,))
    found = design(config, "capacity", goal=1.0)
    assert (found.strength, found.reached) == (4 / 6, True)
    assert found.mechanism == Capacity(seats=(4,))
    crowded = design(FOUR.replace(n_agents=40, gain=(3.0,)), "capacity", goal=3 / 40)
    assert crowded.mechanism == Capacity(seats=(3,))  # at four seats, above r, nobody cooperates


def test_the_weakest_of_all_strengths_is_found():
    found = design(PAIR, "subsidy", goal=0.7)
    strengths = np.linspace(0, 2, 201)
    enough = [
        outcome(PAIR.replace(mechanism=Subsidy(amount=strength)), "best").efficiency >= 0.7 - 1e-12
        for strength in strengths
    ]
    assert strengths[enough][0] - 0.01 <= found.strength <= strengths[enough][0] + 1e-9


def test_a_toll_cannot_make_cooperation_pay():
    found = design(FOUR, "toll", goal=0.5)
    assert not found.reached
    assert (found.strength, found.after.efficiency) == (0.0, 0.0)


def test_peer_punishment_never_rules_universal_defection_out():
    found = design(FOUR, "peer", goal=0.9, equilibrium="worst")
    assert not found.reached
    assert found.worst_after.efficiency == 0.0


def test_a_fine_in_proportion_to_the_cost_is_the_same_share_of_it_everywhere():
    # All four in the casino of cost 2: f = 2 (1 - 1.5 / 4) = 1.25, which is 0.625 of the cost.
    found = design(PAIR, "fine", goal=1.0, scale="cost")
    assert found.strength == pytest.approx(0.625, rel=1e-9)
    assert found.mechanism.amount == pytest.approx((0.625, 1.25), rel=1e-9)
    assert found.after.equilibrium.occupancy.tolist() == [0, 4]


def test_what_punishment_burns_is_lost():
    # k = floor(n f / g) = 2 of the four cooperate, and each of them punishes two: 2 * 2 * (0.01 + 0.02) are burnt.
    config = FOUR.replace(mechanism=(Fine(amount=0.27), PeerPunishment(punishment=0.01, cost=0.02)))
    found = outcome(config)
    assert found.equilibrium.cooperators.tolist() == [2]
    assert found.burnt == pytest.approx(0.12)
    assert found.welfare == pytest.approx(2 - 0.12)
    assert outcome(FOUR.replace(mechanism=Fine(amount=0.27))).burnt == 0.0


def test_a_subsidy_is_told_from_punishment_under_a_capacity():
    # Three of four have a seat. Among them defecting gains g = 1 - 2 / 3 and loses .1 to each of two cooperators.
    config = FOUR.replace(mechanism=(Capacity(seats=3), PeerPunishment(punishment=0.1, cost=0.1)))
    found = design(config, "subsidy", goal=1.0)
    assert (found.reached, found.after.welfare) == (True, pytest.approx(3.0))
    assert found.strength == pytest.approx(1 / 3 - 0.2, rel=1e-9)
    settings = STUDY.replace(family=("subsidy",), goal=1.0, rounds=400)
    (study,) = run_study(config, learners({}, settings), settings)
    for trial in study.trials:
        assert (trial.efficiency <= 1 + 1e-9).all()
        paid = np.zeros(3) if trial.strength == 0 else 50 * trial.sponsor / trial.strength
        np.testing.assert_allclose(paid, paid.round(), atol=1e-6)
        assert (paid <= 50 * np.minimum(3, 4 * trial.cooperation) + 1e-6).all()
    assert study.trials[-1].sponsor.max() > 0


def test_tried_strengths_are_sorted_and_reach_the_goal_from_the_designed_one_on():
    found = design(FOUR, "fine", goal=0.75)
    strengths, efficiencies = found.tried.T
    assert (np.diff(strengths) > 0).all()
    assert (efficiencies[strengths < found.strength * (1 - 1e-9)] < 0.75).all()
    assert len(strengths) > 10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"family": "fines"}, "did you mean 'fine'"),
        ({"goal": 0.0}, r"goal must be in \(0, 1\], got 0.0"),
        ({"equilibrium": "any"}, "equilibrium must be one of 'best', 'worst'"),
        ({"scale": "gain"}, "scale must be one of 'uniform', 'cost'"),
        ({"config": FOUR.replace(mechanism=Fine(amount=1.0))}, "not be a mechanism that the game has already"),
        ({"config": FOUR.replace(cost=(0.0,))}, "must be worth something"),
    ],
)
def test_bad_questions_are_refused(change, message):
    question = {"config": FOUR, "family": "fine", **change}
    with pytest.raises(ValueError, match=message):
        design(question.pop("config"), question.pop("family"), **question)


STUDY = DesignConfig(family=("fine", "capacity"), goal=0.5, rounds=600, evaluation_rounds=50, seeds=(0, 1, 2))


def test_learners_for_whom_cooperating_is_dominant_agree_with_the_analysis():
    settings = STUDY.replace(family=("pigou",), goal=1.0, rounds=3000, margin=1.0)
    (study,) = run_study(FOUR, learners({}, settings), settings)
    assert study.after.strength == pytest.approx(2 / 3)
    assert study.before.efficiency.mean() < 0.5
    assert study.after.efficiency == pytest.approx(1.0)
    assert agrees(study.after)
    assert re.search(r"in the interval +yes$", text([study], settings, FOUR), re.MULTILINE)
    alone = settings.replace(seeds=(0,))
    (study,) = run_study(FOUR, learners({}, alone), alone)
    assert agrees(study.after) is None
    assert re.search(r"in the interval +-$", text([study], alone, FOUR), re.MULTILINE)


def test_results_depend_on_the_seeds_and_not_on_the_threads():
    agent = learners({}, STUDY)
    one, two = (numbers(run_study(FOUR, agent, STUDY, threads=threads)) for threads in (1, 3))
    assert one == two
    other = numbers(run_study(FOUR, agent, STUDY.replace(seeds=(3, 4, 5))))
    assert other[0]["trials"] != one[0]["trials"]
    assert other[0]["strength"] == one[0]["strength"]


def test_figure_shows_all_strengths_and_its_legend_is_whole():
    (study,) = run_study(FOUR, learners({}, STUDY), STUDY.replace(family=("fine",)))
    with house_style():
        figure = design_figure(study, STUDY)
        figure.draw_without_rendering()
    legend, frame = figure.legends[0].get_window_extent(), figure.bbox
    assert frame.x0 <= legend.x0 < legend.x1 <= frame.x1
    curve = figure.axes[0].get_lines()[0].get_xydata()
    assert curve[:, 0].max() == max(trial.strength for trial in study.trials)
    # k = floor(n f / g) cooperators of four: the curve passes every step at f = 1 / 8, 1 / 4, 3 / 8, 1 / 2.
    assert {0.25, 0.5, 0.75, 1.0} <= set(np.round(curve[:, 1], 9).tolist())


def test_command_writes_table_numbers_and_figures(tmp_path, capsys):
    game = ["--n-agents", "4", "--grid-shape", "1", "1", "--cost", "1", "--gain", "2"]
    small = ["--rounds", "300", "--evaluation-rounds", "20", "--seeds", "0:2", "--family", "fine", "pigou", "--quiet"]
    assert main(["design", *game, *small, "--out", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr().out
    assert "fine" in shown
    assert "By analysis:" in shown
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        ["design.json", *(f"{name}.{kind}" for name in ("fine", "pigou") for kind in ("png", "pdf", "svg"))]
    )
    content = json.loads((tmp_path / "out" / "design.json").read_text())
    assert [study["family"] for study in content["studies"]] == ["fine", "pigou"]
    assert MPGGConfig.from_dict(content["game"]) == FOUR
    assert math.isclose(content["studies"][0]["strength"], 0.5, rel_tol=1e-9)  # k = floor(n f / g) >= 3.6


def test_command_refuses_what_it_cannot_do_and_writes_nothing(tmp_path, capsys):
    (tmp_path / "kept").write_text("mine")
    assert main(["design", "--out", str(tmp_path)]) == 2
    assert "out must be a new or empty folder" in capsys.readouterr().err
    assert main(["design", "--family", "fined"]) == 2
    assert "did you mean 'fine'" in capsys.readouterr().err
    assert main(["design", "--goal", "2"]) == 2
    assert "goal must be in (0, 1], got 2.0" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
