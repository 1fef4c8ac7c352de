"""Measures of runs under mechanisms: whose money counts, what transfers do to payoffs, and who finds no seat."""

import numpy as np
import pytest

from mpgg_agents.cli import main
from mpgg_agents.experiments import load_run
from mpgg_agents.experiments.mpgg.curves import payoff_figure
from mpgg_agents.experiments.mpgg.figure_data import FigureData
from mpgg_env.analysis import metrics_panel
from mpgg_env.games.mpgg.mechanisms import transfers
from mpgg_env.games.mpgg.rules import payoff
from tests.tiny_run import train

MECHANISMS = {
    "subsidy": ["subsidy:amount=3"],
    "fine": ["fine:amount=0.8"],
    "capacity": ["capacity:seats=2"],
    "all": ["subsidy:amount=3", "capacity:seats=2", "peer:punishment=0.2,cost=0.07", "toll:fee=0.1"],
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A small run under each set of mechanisms, with all of its 120 greedy rounds in the panel."""
    folder = tmp_path_factory.mktemp("runs")
    for name, mechanisms in MECHANISMS.items():
        assert train(folder / name, "--panel-rounds", "120", "--mechanism", *mechanisms) == 0
    return {name: load_run(folder / name) for name in MECHANISMS}


def test_money_of_a_sponsor_is_no_efficiency(runs):
    run = runs["subsidy"]
    rounds, table = run.metrics("greedy"), run.efficiency_table()
    assert rounds["mean_payoff"].max() > 5  # V: more than any welfare per agent
    assert rounds["efficiency"].max() <= 1
    np.testing.assert_allclose(rounds["sponsor_payment"], 3 * rounds["cooperation_rate"], rtol=1e-6)
    # What a subsidy leaves is what the games produce: W = 14 gross per agent, over 54 in the seats, 70 at best, and
    # 18.375 by chance, as in the game without mechanisms.
    welfare = 14 * rounds["gross_payoff"].mean(axis=1)
    np.testing.assert_allclose(table["efficiency"], welfare / 70, rtol=1e-5)
    np.testing.assert_allclose(table["carrying_capacity_efficiency"], welfare / 54, rtol=1e-5)
    np.testing.assert_allclose(table["relative_to_random"], (welfare - 18.375) / (70 - 18.375), rtol=1e-4)


def test_a_sponsor_pays_the_cooperators_who_find_a_seat(runs):
    rounds = runs["all"].metrics("greedy")
    payers = 14 * rounds["sponsor_payment"] / 3
    np.testing.assert_allclose(payers, payers.round(), atol=1e-5)
    assert (payers <= 14 * rounds["cooperation_rate"] + 1e-5).all()
    assert (payers < 14 * rounds["cooperation_rate"] - 0.5).any()  # some found none
    # Tolls only change hands and punishment burns money: no more is left than what the games produced.
    left = rounds["mean_payoff"] - rounds["sponsor_payment"]
    assert (left <= rounds["gross_payoff"] + 1e-6).all()
    assert (left < rounds["gross_payoff"] - 0.01).any()
    np.testing.assert_allclose(rounds["efficiency"], left / 5, atol=1e-6)


def test_payoff_figure_reads_efficiency_from_the_curve_without_the_subsidy(runs):
    run = runs["subsidy"]
    axes = payoff_figure(FigureData.read(run)).axes
    lines = {line.get_label(): line.get_ydata() for line in axes[0].get_lines()}
    efficiency = run.metrics()["efficiency"].astype(float).reshape(2, 120, 5).mean(axis=(0, 2))
    low, high = np.array(axes[0].get_ylim())
    assert axes[2].get_ylim() == pytest.approx((100 * low / 5, 100 * high / 5))
    np.testing.assert_allclose(lines["without the sponsor"], 5 * efficiency, rtol=1e-5)
    assert axes[2].get_ylabel() == "without sponsor (% of opt.)"
    greedy = [container.lines[0].get_ydata()[0] for container in axes[1].containers]
    assert greedy[1] == pytest.approx(5 * run.metrics("greedy")["efficiency"].mean(), rel=1e-5)


def rows_of(run, capsys):
    assert main(["info", str(run.path)]) == 0
    text = capsys.readouterr().out
    return {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.strip()}, text


def test_info_tells_net_from_gross_where_there_are_mechanisms(runs, capsys):
    rows, text = rows_of(runs["subsidy"], capsys)
    greedy = runs["subsidy"].metrics("greedy")
    for row, measure in (("gross", "gross_payoff"), ("sponsor", "sponsor_payment")):
        assert float(rows[row][-2]) == pytest.approx(greedy[measure].mean(), abs=5e-4)
    assert max(map(len, text.partition("Windows of")[2].splitlines())) <= 80
    assert "excluded" not in rows
    assert {"price_transfers", "excluded"} <= rows_of(runs["capacity"], capsys)[0].keys()


def mean_lead(actions, amounts):
    """Mean over the rounds of what cooperators have more than defectors, where there are both."""
    rounds = zip(actions, np.asarray(amounts, float), strict=True)
    return np.mean([own[a == 1].mean() - own[a == 0].mean() for a, own in rounds if 0 < a.sum() < len(a)])


@pytest.mark.parametrize("name", MECHANISMS)
def test_price_split_adds_up_under_mechanisms(name, runs):
    run, table = runs[name], runs[name].efficiency_table()
    panel, game = run.panel(), run.config.game
    for b in range(2):
        positions, actions = panel["positions"][b], panel["actions"][b]
        occupancy, cooperators = metrics_panel.panel_counts(positions, actions, 6)
        plain = np.empty(actions.shape)
        for (t, i), m in np.ndenumerate(positions):
            n, k = int(occupancy[t, m]), int(cooperators[t, m])
            plain[t, i] = payoff(int(actions[t, i]), run.cost[m], run.gain[m], n, k, True, 1)
        assert table["price_between"][b] - table["price_within"][b] == pytest.approx(mean_lead(actions, plain))
        added = mean_lead(actions, panel["payoffs"][b] - plain)
        assert abs(added) > 0.05
        assert table["price_transfers"][b] == pytest.approx(added, rel=1e-4)
        if name in ("subsidy", "fine"):  # who paid what, from the rules
            received = sum(transfers(game, positions, actions.astype(int)).values())
            assert table["price_transfers"][b] == pytest.approx(mean_lead(actions, received), rel=1e-4)


def test_excluded_are_the_members_beyond_the_capacity(runs):
    table, panel = runs["capacity"].efficiency_table(), runs["capacity"].panel()
    for b in range(2):
        members = [np.unique(row, return_counts=True)[1] for row in panel["positions"][b]]
        without = np.mean([sum(n - 2 for n in row.tolist() if n > 2) for row in members]) / 14
        assert 0.1 < without == pytest.approx(table["excluded"][b])
    assert runs["fine"].efficiency_table()["excluded"].tolist() == [0, 0]
