"""The command in mean-field-type games: flags of all kinds, refusals, what text tells, and machines without torch."""

import json
import re
from typing import Any

import numpy as np
import pytest

from mpgg_agents.arguments import parse, read_experiment
from mpgg_agents.cli import main
from mpgg_agents.experiments import Experiment, load_run
from mpgg_agents.experiments.mean_field.settings import ENVS, MeanFieldExperiment
from mpgg_agents.experiments.registry import GAMES
from mpgg_agents.experiments.report import summary
from tests.market_run import flags_of, train
from tests.mean_field_run import BOARDS, DEEP, PAIRS, PLAYERS, env_of, refused, tiny
from tests.support import fresh_python
from tests.tiny_run import results_checksum, snapshot

pairs = pytest.mark.parametrize(("game", "name"), PAIRS)


def experiment(game: str, *flags: str) -> Any:
    return read_experiment(parse(["train", "--env", env_of(game), *flags, "--out", "x"]))


# Settings


def test_every_game_is_played_by_its_agents_alone():
    assert {game: tuple(GAMES[env].agents) for env, game in ENVS.items()} == PLAYERS
    for game in PLAYERS:
        made = experiment(game)
        assert isinstance(made, MeanFieldExperiment)
        assert (made.run.agent, made.run.preset, made.run.snapshots) == ("ddpg_mftg", "default", 10)


@pairs
def test_every_setting_has_a_flag(game, name):
    made: Any = tiny(game, name, seeds=(1, 4), figures=True)
    assert read_experiment(parse(["train", *flags_of(made), "--out", "x"])) == made
    assert Experiment.from_dict(json.loads(json.dumps(made.to_dict()))) == made


@pairs
def test_presets_are_settings_of_a_run(game, name):
    for preset, settings in experiment(game, "--agent", name).kind.presets.items():
        made = experiment(game, "--agent", name, "--preset", preset)
        for part, values in ((made.agent, settings.agent), (made.game, settings.game)):
            assert {field: getattr(part, field) for field in values} == values


def test_flags_rank_above_presets():
    assert experiment("four_rooms", "--preset", "paper").agent.episodes == 50_000
    assert experiment("four_rooms", "--preset", "paper", "--episodes", "9").agent.episodes == 9
    halved = ("--halve-rates-at", "3", "5", "--halve-noise-at", "0")
    assert experiment("distribution_planning", "--preset", "paper", *halved).agent.halve_rates_at == (3, 5)
    assert experiment("distribution_planning", "--preset", "paper", *halved).agent.halve_noise_at == ()
    assert experiment("population_matching", "--noise", "0.8", "0.1", "0.1").game.noise == (0.8, 0.1, 0.1)
    assert experiment("mpgg", "--n-coalitions", "2", "--weights", "0.25", "0.75").game.shares == (0.25, 0.75)


TABLES = ", ".join(map(env_of, ("population_matching", "cyber_security", "mpgg")))
BAD = {
    "tables on a board": (
        ["--env", env_of("four_rooms"), "--agent", "dnashq"],
        "agent must be one of 'ddpg_mftg', 'model_gradient' in mftg/four_rooms-v0, got 'dnashq', "
        f"which plays {TABLES}; name one of these by --env",
    ),
    "an agent without its game": (["--agent", "il_mftg"], f"which plays {TABLES}; name one of these by --env"),
    "the market's agent": (["--env", env_of("mpgg"), "--agent", "fp_ddpg"], "which plays mpgg/market-v0; add --env"),
    "no such agent": (["--env", env_of("mpgg"), "--agent", "ddpg"], "agent must be one of 'ddpg_mftg'"),
    "no such game": (["--env", "mftg/mpgg"], "env must be one of"),
    "a flag of the tables": (["--env", env_of("mpgg"), "--n-states-grid", "3"], "add --agent dnashq"),
    "a flag of another game": (["--env", env_of("mpgg"), "--crowd-cost", "3"], "--crowd-cost is for env"),
    "no such preset": (["--env", env_of("mpgg"), "--preset", "paper"], "preset must be"),
    "less than no response": (["--env", env_of("mpgg"), "--response-iterations", "-1"], "response_iterations must be"),
    "no profile": (["--env", env_of("mpgg"), "--snapshots", "0"], "snapshots must be"),
    "no length": (["--env", env_of("four_rooms"), "--max-cycles", "0"], "max_cycles must be"),
    "too large tables": (
        ["--env", env_of("mpgg"), "--agent", "dnashq", "--grid-shape", "3", "3", "--n-states-grid", "2"],
        "n_states_grid",
    ),
    "opponents that must react": (
        ["--env", env_of("cyber_security"), "--agent", "model_gradient", "--opponents", "replay"],
        "opponents must be",
    ),
    "masks": (["--env", env_of("mpgg"), "--boundary", "mask"], "boundary must be"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_words_give_one_line_and_create_nothing(name, tmp_path, capsys):
    words, part = BAD[name]
    assert part in refused(capsys, "train", *words, "--out", tmp_path / "run")
    assert snapshot(tmp_path) == {}


# Text


@pytest.mark.parametrize(
    ("game", "name"), [("population_matching", "dnashq"), ("mpgg", "ddpg_mftg"), (BOARDS[1], DEEP[1])]
)
def test_text_tells_the_judgements_apart(game, name, tmp_path, capsys):
    out = tmp_path / "run"
    assert main(["train", *flags_of(tiny(game, name)), "--out", str(out)]) == 0
    told, progress = capsys.readouterr()
    run = load_run(out)
    found = run.evaluation()
    assert told == summary(out) + "\n"
    returns = found["returns"][:, -1].mean(-1)
    cells = ", ".join(f"{own.mean():.4g} ({own.std(ddof=1):.3g})" for own in returns.T)
    assert f"test returns at the end: {cells}\n" in told
    gain = found["lower_bound"][:, -1].mean((1, 2))
    assert f"mean over coalitions: at least {gain.mean():.4g} ({gain.std(ddof=1):.3g})" in told
    assert (", exactly " in told) == (game == "population_matching")
    assert (", from them at most " in told) == (game != "mpgg")
    assert ", at most " not in told
    assert "4 of 4 rounds" in progress
    assert ", return " in progress
    assert progress.splitlines()[-1].endswith("seed 8, the policy after 4 rounds")
    assert main(["info", str(out)]) == 0
    text = capsys.readouterr().out
    assert f"env        {env_of(game)}" in text
    assert f"agent      {name}, preset default" in text
    assert f"game       {game.replace('_', ' ')}, 2 steps, discount " in text
    assert "4, 2 profiles judged, 2 response steps each" in text
    assert ("welfare" in text) == (game == "mpgg")
    assert ("replay: bounds of what the coalition gains" in text) == (game != "mpgg")
    line = next(line for line in text.splitlines() if line.lstrip().startswith("gain >= (1)"))
    cells = [f"{own.mean():.4g} ({own.std(ddof=1):.3g})" for own in found["lower_bound"][:, :, 1].mean(-1).T]
    assert re.split(r" {2,}", line.strip())[1:] == cells
    assert ("gain = (0)" in text, "gain <= (0)" in text) == (game == "population_matching", False)
    assert all(len(line) <= 80 for line in text.partition("Profiles after")[2].splitlines())


def test_runs_without_responses_and_unfinished_ones_are_told(tmp_path, capsys):
    from tests.market_run import stop

    made = tiny("cyber_security", "model_gradient", response_iterations=0, seeds=(5,), snapshots=1)
    assert train(made, tmp_path / "run") == 0
    gains = next(line for line in summary(tmp_path / "run").splitlines() if "gain by deviating at the end" in line)
    assert re.search(r": from replayed opponents at least [\d.e-]+, from them at most [\d.e-]+$", gains)
    assert main(["info", str(stop(made, tmp_path / "stopped", 3))]) == 0
    text = capsys.readouterr().out
    assert "4, 1 profiles judged, no response each" in text
    assert "kept       3 of 4 rounds" in text


def test_tensorboard_shows_means_of_windows(tmp_path):
    from tests.test_dqn_run import points

    out = tmp_path / "run"
    made = tiny(name="ddpg_mftg", response_iterations=0)
    assert train(made, out, "--tensorboard") == 0
    assert train(made, tmp_path / "bare") == 0
    assert results_checksum(out) == results_checksum(tmp_path / "bare")
    shown, metrics = points(out), load_run(out).metrics()
    assert shown["mean_return"][0] == [2, 4]
    np.testing.assert_allclose(shown["mean_return"][1], metrics["mean_return"].reshape(2, 2, 2).mean((0, 2)), rtol=1e-5)
    assert "loss/critic_loss" in shown


def test_other_games_commands_refuse_these_runs(tmp_path, capsys):
    assert train(tiny(response_iterations=0), tmp_path / "run") == 0
    run = str(tmp_path / "run")
    for words in (["exploitability", run], ["compare", run, run, "--out", tmp_path / "out"]):
        assert f"{run} must be a run of mpgg/" in refused(capsys, *words)
    assert not (tmp_path / "out").exists()


# Without torch

WITHOUT_TORCH = """
import contextlib, io, json, sys
sys.modules["torch"] = None
from mpgg_agents.cli import main
told = []
for words in json.loads(sys.argv[1]):
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        told.append([main(words), output.getvalue().splitlines()[-1]])
print(json.dumps(told))
"""


def test_without_torch_tables_are_learned_judged_and_drawn_and_networks_are_refused(tmp_path):
    tables = tiny("mpgg", "dnashq", response_iterations=0)
    assert train(tables, tmp_path / "with") == 0
    nets = tiny("mpgg", "ddpg_mftg", response_iterations=0)
    assert train(nets, tmp_path / "nets") == 0
    out, new = str(tmp_path / "run"), ["--out", str(tmp_path / "new")]
    commands = [
        ["train", *flags_of(tables), "--threads", "1", "--out", out],
        ["info", out],
        ["figures", out],
        ["gap", out, "--sizes", "2", "4", "--replicas", "2"],
        ["info", str(tmp_path / "nets")],
        ["train", *flags_of(tiny("mpgg", "dnashq")), *new],
        ["train", *flags_of(nets), *new],
        ["figures", str(tmp_path / "nets")],
        ["gap", str(tmp_path / "nets")],
    ]
    told = json.loads(fresh_python(WITHOUT_TORCH, json.dumps([["presets"], *commands])))[1:]
    assert [code for code, _ in told] == [0] * 5 + [2] * 4
    needs = 'needs torch, which is not installed: pip install "mpgg-env[deep]"'
    assert told[5][1] == f"mpgg: error: a best response, which response_iterations = 0 leaves out, {needs}"
    assert {line for _, line in told[6:]} == {f"mpgg: error: agent 'ddpg_mftg' {needs}"}
    assert results_checksum(tmp_path / "run") == results_checksum(tmp_path / "with")
    assert len(list((tmp_path / "run" / "figures").iterdir())) == 9
    assert not (tmp_path / "new").exists()
