"""Measures of efficiency and structure on run folders: the panel, the table, the synergy curve and the text."""

import numpy as np
import pytest

from mpgg_agents.cli import main
from mpgg_agents.experiments import Experiment, load_run
from mpgg_agents.experiments.mpgg.structure import OF_ALL_ROUNDS, OF_PANEL, ROWS
from mpgg_agents.experiments.report import summary
from mpgg_agents.iql.trainer import IQLTrainer
from mpgg_agents.record import Record
from mpgg_env.analysis import metrics, metrics_panel
from mpgg_env.games.mpgg.rules import payoff
from tests.support import exactly
from tests.tiny_run import ROUNDS, results_checksum, tiny, train

AGENTS = {
    "iql": [],
    "buffered": ["--capacity", "4", "--batch-size", "2"],
    "shared": ["--table", "shared"],
    # Shared networks that have hardly learned yet all do the same, so that payoffs would be 0 or all alike.
    "dqn": ["--agent", "dqn", "--hidden", "8", "--rounds", "60", "--sharing", "independent"],
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A small run of every kind of learner, the last 35 of 120 greedy rounds with a panel."""
    folder = tmp_path_factory.mktemp("runs")
    for name, flags in AGENTS.items():
        assert train(folder / name, "--panel-rounds", "35", *flags) == 0
    return {name: load_run(folder / name) for name in AGENTS}


@pytest.fixture(scope="module")
def run(runs):
    return runs["iql"]


@pytest.mark.parametrize("name", AGENTS)
def test_panel_holds_what_every_agent_did(name, runs):
    run = runs[name]
    panel, greedy = run.panel(), run.metrics("greedy")
    assert panel["round"].tolist() == list(range(85, 120))
    assert [panel[part].shape for part in ("positions", "actions", "payoffs")] == [(2, 35, 14)] * 3
    assert [panel[part].dtype for part in ("positions", "actions", "payoffs")] == [np.uint8, np.int8, np.float32]
    assert panel["actions"].any()
    assert panel["payoffs"].any()
    np.testing.assert_allclose(panel["actions"].mean(axis=2), greedy["cooperation_rate"][:, 85:], rtol=1e-6)
    np.testing.assert_allclose(panel["payoffs"].mean(axis=2), greedy["mean_payoff"][:, 85:], rtol=1e-5)
    for b in range(2):
        occupancy, cooperators = metrics_panel.panel_counts(panel["positions"][b], panel["actions"][b], 6)
        assert occupancy.max(axis=1).tolist() == greedy["largest"][b, 85:].tolist()
        for t, i in ((0, 0), (17, 9), (34, 13)):
            m, action = panel["positions"][b, t, i], panel["actions"][b, t, i]
            n, k = occupancy[t, m], cooperators[t, m]
            earned = payoff(int(action), run.cost[m], run.gain[m], int(n), int(k), True, 1)
            assert panel["payoffs"][b, t, i] == pytest.approx(earned, rel=1e-6)


@pytest.mark.parametrize("name", AGENTS)
@pytest.mark.parametrize("rounds", [0, 1, 120])
def test_panel_changes_no_other_result(name, rounds, runs, tmp_path):
    assert train(tmp_path / "run", *AGENTS[name], "--panel-rounds", str(rounds)) == 0
    other = load_run(tmp_path / "run")
    for file in ("metrics.parquet", "casinos.npz", "final_state.npz"):
        assert (other.path / file).read_bytes() == (runs[name].path / file).read_bytes()
    for part in ("round", "positions", "actions", "payoffs"):
        kept = min(rounds, 35)
        axis = 0 if part == "round" else 1
        both = [np.moveaxis(panel[part], axis, 0) for panel in (other.panel(), runs[name].panel())]
        np.testing.assert_array_equal(both[0][len(both[0]) - kept :], both[1][35 - kept :])
    assert results_checksum(tmp_path / "run") != runs[name].manifest["results_checksum"]


def test_round_by_round_the_record_is_the_same():
    made = tiny()
    trainers = [IQLTrainer(made.game, made.agent, made.run.seeds, ROUNDS, window=50) for _ in range(2)]
    for trainer in trainers:
        trainer.advance(ROUNDS)
    whole = trainers[0].evaluate(120)
    single = Record.concatenate([trainers[1].evaluate(1) for _ in range(120)], 50)
    for name in ("seated", "squares", "welfare", "casino_moves"):
        np.testing.assert_array_equal(getattr(single, name), getattr(whole, name))
    assert whole.seated.max() <= 14
    assert whole.squares.min() >= 14**2 / 6


def test_measures_of_rounds_are_those_of_the_panel(runs):
    for run in runs.values():
        panel, greedy = run.panel(), run.metrics("greedy")
        for b in range(2):
            occupancy, _ = metrics_panel.panel_counts(panel["positions"][b], panel["actions"][b], 6)
            seated = [sum(min(n, int(r)) for n, r in zip(row, run.gain, strict=True)) for row in occupancy.tolist()]
            seats = sum(int(r) for r in run.gain)
            np.testing.assert_allclose(greedy["seat_use"][b, 85:], np.array(seated) / seats, rtol=1e-6)
            np.testing.assert_allclose(greedy["overcrowding"][b, 85:], 1 - np.array(seated) / 14, atol=1e-6)
            shares = ((occupancy / 14) ** 2).sum(axis=1)
            np.testing.assert_allclose(greedy["concentration"][b, 85:], shares, rtol=1e-6)


def test_table_has_every_measure_of_every_seed(run):
    for phase in ("greedy", "train"):
        table = run.efficiency_table(phase)
        assert list(table) == list(ROWS)
        assert {values.shape for values in table.values()} == {(2,)}
        known = {name for name, values in table.items() if not np.isnan(values).any()}
        assert set(OF_ALL_ROUNDS) <= known
        assert bool(known & set(OF_PANEL)) == (phase == "greedy")


def test_table_by_hand_from_the_other_numbers(run):
    table, greedy, casinos = run.efficiency_table(), run.metrics("greedy"), run.casinos("greedy")
    np.testing.assert_allclose(table["efficiency"], greedy["efficiency"].mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(table["seat_use"], greedy["seat_use"].mean(axis=1), rtol=1e-5)
    # v = 1, 1.75, 2.5, 2, 3.5, 5 with 3, 4, 6, 3, 4, 6 seats: 6 at 5, 4 at 3.5, 4 of 6 at 2.5
    welfare = greedy["mean_payoff"].mean(axis=1) * 14
    np.testing.assert_allclose(table["carrying_capacity_efficiency"], welfare / 54, rtol=1e-5)
    # random play: 14/6 agents in each casino, half of the sum of v, 15.75
    np.testing.assert_allclose(table["relative_to_random"], (welfare - 18.375) / (70 - 18.375), rtol=1e-4)
    occupancy = np.average(casinos["occupancy"], axis=1, weights=[50, 50, 20])
    np.testing.assert_allclose(table["high_cell_use"], occupancy[:, [4, 5]].sum(axis=1) / 14 / 0.25, rtol=1e-5)
    np.testing.assert_allclose(
        table["I_alpha"], (occupancy[:, [2, 5]] - occupancy[:, [0, 3]]).sum(axis=1) / 14, rtol=1e-4
    )


def test_table_counts_moves_up_and_down_by_hand(run):
    # v = 1, 1.75, 2.5 in row 0 and 2, 3.5, 5 in row 1: to the right and up is better, around the edge it is worse.
    moves = np.einsum("bwma,w->bma", run.casinos("greedy")["moves"].astype(float), [50, 50, 20])
    _, up, down, left, right = np.moveaxis(moves, 2, 0)
    better, worse = [right[:, [0, 1, 3, 4]], up[:, :3]], [left[:, [1, 2, 4, 5]], down[:, 3:]]
    around_better, around_worse = [left[:, [0, 3]], down[:, :3]], [right[:, [2, 5]], up[:, 3:]]

    def flux(ups, downs):
        ups, downs = (sum(part.sum(axis=1) for part in parts) for parts in (ups, downs))
        return (ups - downs) / (ups + downs)

    table = run.efficiency_table()
    np.testing.assert_allclose(table["uphill_flux_on_board"], flux(better, worse), rtol=1e-4)
    np.testing.assert_allclose(table["uphill_flux"], flux(better + around_better, worse + around_worse), atol=1e-6)


def test_table_of_single_agents_is_that_of_the_panel(run):
    table, panel = run.efficiency_table(), run.panel()
    for b in range(2):
        means = panel["payoffs"][b].mean(axis=0, dtype=float)
        assert table["gini"][b] == pytest.approx(float(metrics.gini(means)), rel=1e-6)
        assert table["payoff_deviation"][b] == pytest.approx(means.std(), rel=1e-6)
        ahead = []
        for actions, payoffs in zip(panel["actions"][b], panel["payoffs"][b].astype(float), strict=True):
            if 0 < actions.sum() < 14:
                ahead.append(payoffs[actions == 1].mean() - payoffs[actions == 0].mean())
        assert table["price_between"][b] - table["price_within"][b] == pytest.approx(np.mean(ahead), rel=1e-5)
    assert table["price_transfers"].tolist() == table["excluded"].tolist() == [0, 0]  # in the absence of mechanisms


def test_table_of_the_training_is_its_last_window(run):
    table, means = run.efficiency_table("train", 250), run.last_rounds(250)
    for name in ("efficiency", "concentration", "I_v", "I_c_cooperators"):
        np.testing.assert_allclose(table[name], means[name][:, 0], rtol=1e-9)
    last = run.casinos()["occupancy"][:, 7:].mean(axis=1)  # rounds 350 to 600 are five windows of 50
    np.testing.assert_allclose(table["high_cell_use"], last[:, [4, 5]].sum(axis=1) / 14 / 0.25, rtol=1e-5)
    np.testing.assert_allclose(table["efficiency"], run.metrics()["efficiency"][:, 350:].mean(axis=1), rtol=1e-5)


def test_last_rounds_are_never_the_few_after_the_last_whole_window(tmp_path, capsys):
    assert train(tmp_path / "run", "--rounds", "1001", "--window", "100", "--seeds", "3") == 0
    run = load_run(tmp_path / "run")
    efficiency, occupancy = run.metrics()["efficiency"].astype(float), run.casinos()["occupancy"].astype(float)
    # Round 1000 is a window of its own. From the end back, 301 rounds are the fewest whole windows with 300.
    for size, first in ((300, 700), (100, 900), (900, 100), (1000, 0), (1001, 0), (5000, 0)):
        means, table = run.last_rounds(size), run.efficiency_table("train", size)
        assert means["round"].tolist() == [first]
        np.testing.assert_allclose(means["efficiency"][:, 0], efficiency[:, first:].mean(axis=1), rtol=1e-6)
        np.testing.assert_allclose(table["efficiency"], efficiency[:, first:].mean(axis=1), rtol=1e-6)
        counts = np.average(occupancy[:, first // 100 :], axis=1, weights=[100] * ((1000 - first) // 100) + [1])
        np.testing.assert_allclose(table["high_cell_use"], counts[:, [4, 5]].sum(axis=1) / 14 / 0.25, rtol=1e-5)
    with pytest.raises(
        ValueError, match=exactly("size must be a positive multiple of the window of 100 rounds, got 250")
    ):
        run.last_rounds(250)
    assert main(["info", str(run.path)]) == 0
    text = capsys.readouterr().out
    assert "last 1,001" in text
    assert "from 1,000" not in text
    assert "Windows of 1,000 rounds" in text
    assert "  last 1,001 rounds: " in summary(run.path)


def test_synergy_of_the_run_is_that_of_its_seeds(run):
    found, panel = run.synergy(), run.panel()
    assert found["threshold"].tolist() == pytest.approx([0.05 * step for step in range(20)])
    assert found["survival"].shape == found["migration_gain"].shape == (2, 20)
    for b in range(2):
        parts = (panel[part][b] for part in ("positions", "actions", "payoffs"))
        own = metrics_panel.synergy_survival(*parts, found["threshold"], 6)
        np.testing.assert_array_equal(found["survival"][b], own.survival)
        np.testing.assert_array_equal(found["migration_gain"][b], own.migration_gain)
    assert not np.isnan(found["survival"][:, 0]).any()
    np.testing.assert_array_equal(run.synergy([0.5])["survival"], found["survival"][:, 10:11])


def test_without_greedy_rounds_there_is_no_table(tmp_path):
    assert train(tmp_path / "run", "--evaluation-rounds", "0") == 0
    run = load_run(tmp_path / "run")
    assert run.panel()["positions"].shape == (2, 0, 14)
    assert np.isnan(run.synergy()["survival"]).all()
    with pytest.raises(
        ValueError, match=exactly("phase must be one with rounds, got 'greedy', of which this run has none")
    ):
        run.efficiency_table()


def test_info_shows_the_table(run, tmp_path, capsys):
    assert main(["info", str(run.path)]) == 0
    text = capsys.readouterr().out
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.strip()}
    greedy, trained = run.efficiency_table(), run.efficiency_table("train")
    for name in ("carrying_capacity_efficiency", "corridor_size", "uphill_flux_on_board"):
        expected = [f"{table[name].mean():.3f} ({table[name].std(ddof=1):.3f})" for table in (trained, greedy)]
        assert rows[name] == " ".join(expected).split()
    assert rows["gini"] == f"{greedy['gini'].mean():.3f} ({greedy['gini'].std(ddof=1):.3f})".split()
    assert "Of single agents, in the last 35 greedy rounds:" in text
    assert not {"price_transfers", "excluded", "gross", "sponsor"} & rows.keys()
    assert max(map(len, text.partition("Efficiency and structure")[2].splitlines())) <= 80


def test_info_leaves_out_what_there_is_not(tmp_path, capsys):
    assert train(tmp_path / "run", "--panel-rounds", "0", "--boundary", "wall") == 0
    assert main(["info", str(tmp_path / "run")]) == 0
    text = capsys.readouterr().out
    assert "Efficiency and structure" in text
    assert "Of single agents" not in text
    assert "uphill_flux_on_board" not in text


def test_panel_is_bounded_and_never_longer_than_the_greedy_rounds():
    assert tiny().panel_rounds == 120
    assert tiny(evaluation_rounds=5000).panel_rounds == 200
    assert tiny(evaluation_rounds=0).panel_rounds == 0
    million = {"game": {"n_agents": 10**6, "grid_shape": (100, 100)}, "run": {"seeds": [0]}}
    assert Experiment.build(million).panel_rounds == 14  # 128 MiB over 9 bytes per agent and 56 per casino
    with pytest.raises(ValueError, match=exactly("panel_rounds must be in [0, 120], got 121")):
        tiny(panel_rounds=121)
    with pytest.raises(
        ValueError, match=r"^panel_rounds must be lower: keeping 2000 rounds of 1000000 agents would take 18"
    ):
        Experiment.build(million, {"run": {"panel_rounds": 2000}})
