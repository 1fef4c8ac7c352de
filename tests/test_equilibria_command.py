"""`mpgg equilibria`: the page says what the analysis says, and what is asked wrongly is refused."""

import json
import re

import pytest

from mpgg_agents.cli import main

# Six agents in two casinos: the optimum is 6 v = 6 * 1.5, and every pure equilibrium of N >= 3 + 3 is a tragedy.
SIX = ["--n-agents", "6", "--grid-shape", "1", "2", "--cost", "1", "0.5", "--gain", "2.5", "2.5"]


def _page(capsys, *words):
    assert main(["equilibria", *words]) == 0
    return capsys.readouterr().out


def _line(page, beginning):
    return next(line for line in page.splitlines() if line.strip().startswith(beginning))


def test_page_of_the_default_game_has_the_published_figures(capsys):
    # The table "Default board": best pure efficiency .291, symmetric .0450 with cooperation .1395, optimum 750.
    page = _page(capsys)
    assert _line(page, "social optimum").split()[-1] == "750"
    assert float(_line(page, "C or D after").split()[-4]) == pytest.approx(0.291, abs=0.0005)
    _, efficiency, _, cooperation, _ = _line(page, "symmetric mixed").split()[2:]
    assert (float(efficiency), float(cooperation)) == (pytest.approx(0.045, abs=1e-4), pytest.approx(0.1395, abs=5e-5))
    assert _line(page, "fine amount").split()[-1] == "0.96"  # c (1 - r / N) = 1 - 6 / 150
    assert _line(page, "toll").split()[-1] == "never"


def test_numbers_go_to_a_file_that_json_can_hold(tmp_path, capsys):
    path = tmp_path / "report.json"
    _page(capsys, *SIX, "--json", str(path))
    content = json.loads(path.read_text())
    assert content["optimum"] == 9.0
    assert content["location"]["price_of_anarchy"] == "inf"
    assert content["thresholds"]["toll"] == "inf"
    assert content["game"]["n_agents"] == 6


def test_parts_that_have_no_method_say_why(capsys):
    page = _page(capsys, *SIX, "--mechanism", "pigou")
    assert "location_symmetric: mechanism must be None" in page
    assert _line(page, "C or D after").split()[-5:-3] == ["9", "1"]  # the optimum is an equilibrium


def test_a_capacity_that_is_not_needed_has_no_limit(capsys):
    # Two agents in casinos of gain 2.5: cooperating is dominant whoever comes.
    assert _line(_page(capsys, "--n-agents", "2", *SIX[2:]), "capacity").endswith("no limit")


def test_a_game_without_pure_equilibria_says_so(capsys):
    # Between floor(r) = 2 and 3 + 3 agents defectors chase cooperators for ever.
    page = _page(capsys, "--n-agents", "4", *SIX[2:])
    assert "place and C or D at once: no pure equilibrium" in page


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--stage", "bst"], "stage must be one of 'best', 'worst', got 'bst'; did you mean 'best'?"),
        (["--n-agents", "0"], "n_agents must be in [1, 2147483647], got 0"),
        (["--mechanism", "fin:amount=1"], "did you mean 'fine'"),
        (["--json", "nowhere/report.json"], "nowhere"),
    ],
)
def test_bad_words_are_refused(words, message, capsys):
    assert main(["equilibria", *words]) == 2
    assert message in capsys.readouterr().err


def test_mean_field_games_have_a_page_of_their_own(tmp_path, capsys):
    path = tmp_path / "reference.json"
    page = _page(capsys, "--env", "mftg/population_matching-v0", "--distance-cost", "3", "--json", str(path))
    # Coalition 1 copies coalition 0 at once: it pays 3 times the L1 distance of the start (1, 0, 0) from (0, 0, 1).
    start, coalition, value, found, at_most, gap = _line(page, "0          1").split()
    assert (start, coalition, value, found, at_most) == ("0", "1", "-6", "-6", "-6")
    assert float(gap) < 1e-12
    content = json.loads(path.read_text())
    assert content["game"]["distance_cost"] == 3.0
    assert content["values"][0] == pytest.approx([0.0, -6.0], abs=1e-12)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--env", "mpgg/market-v0"], "env must be one of .*'mftg/four_rooms-v0'.*, got 'mpgg/market-v0'"),
        (["--env", "mftg/mpgg-v0"], "env must be one of .*, got 'mftg/mpgg-v0'"),
        (["--env", "mftg/four_rooms-v0", "--stage", "best"], "unknown argument --stage"),
        (["--env", "mftg/four_rooms-v0", "--noise", "2"], r"noise must be in \[0, 1\], got 2.0"),
    ],
)
def test_what_mean_field_games_do_not_have_is_refused(words, message, capsys):
    assert main(["equilibria", *words]) == 2
    assert re.search(message, capsys.readouterr().err)
