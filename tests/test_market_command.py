"""The command in the market: flags of its own kinds, refusals, real signals, and what the text says."""

import json
import re
import signal
import time
from typing import Any

import numpy as np
import pytest

from mpgg_agents.arguments import parse, read_experiment
from mpgg_agents.cli import main
from mpgg_agents.experiments import Experiment, load_run
from mpgg_agents.market_response.exact import equilibrium_value
from mpgg_env.games.market.config import MarketConfig
from tests.support import fresh_python
from tests.tiny_run import results_checksum, snapshot, start

ENV = "mpgg/market-v0"
# Three traders who are alike, in a market of which the equilibrium is known; nets of a few units.
GAME = ["--n-agents", "3", "--impact", "linear", "--observation", "full"]
NETS = ["--episodes", "2", "--hidden", "4"]
AGENTS = {
    "nash_dqn": ["--iterations", "6", "--warm-up", "0", "--phi", "0"],
    "fp_ddpg": [
        *("--responses", "2", "--first-rounds", "4", "--next-rounds", "2", "--batch-size", "8"),
        *("--gradient-steps", "1", "--phi", "3"),
    ],
}
RUN = ["--seeds", "3", "8", "--snapshots", "2", "--response-iterations", "3", "--evaluation-episodes", "64"]


def words(agent: str, game: list[str], *more: str) -> list[str]:
    return [
        *("train", "--env", ENV, "--agent", agent, *AGENTS[agent], *NETS, *game, *RUN),
        *("--no-figures", *more),
    ]


def experiment(*flags: str) -> Any:
    return read_experiment(parse(["train", "--env", ENV, *flags, "--out", "x"]))


@pytest.mark.parametrize("agent", AGENTS)
def test_a_run_is_trained_told_and_read(agent, tmp_path, capsys):
    out = tmp_path / "run"
    assert main([*words(agent, GAME), "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert f"complete: {out} (2 seeds x 6 rounds" in told
    assert "exploitability at least " in told
    run = load_run(out)
    run.verify()
    assert run.manifest["results_checksum"] in told
    assert main(["info", str(out)]) == 0
    text = capsys.readouterr().out
    # |V| is the equilibrium's, and the losses are means of two of the six iterations.
    value = equilibrium_value(MarketConfig(n_agents=3, impact="linear", observation="full"), 0)
    assert f"|V|: {abs(value):.4g}, the size of the return of trader 0 in the exact equilibrium\n" in text
    assert "a lower bound of the\nexploitability" in text
    line = next(line for line in text.splitlines() if line.lstrip().startswith("mean return"))
    means = run.metrics()["mean_return"].reshape(2, 3, 2).mean(axis=2)
    expected = [f"{mean:.4g} ({spread:.4g})" for mean, spread in zip(means.mean(0), means.std(0, ddof=1), strict=True)]
    assert re.findall(r"-?[\d.]+ \([\d.]+\)", line) == expected
    assert all(len(line) <= 80 for line in text.partition("Training, ")[2].splitlines())


def test_where_no_equilibrium_is_known_the_value_is_the_policy_s(tmp_path, capsys):
    out = tmp_path / "run"
    game = ["--n-agents", "3", "--observation", "paper"]
    assert main([*words("nash_dqn", game, "--response-trader", "2"), "--quiet", "--out", str(out)]) == 0
    assert main(["info", str(out)]) == 0
    text = capsys.readouterr().out
    value = load_run(out).evaluation()["value"][:, -1].mean()
    told = " ".join(text.split())  # notes are wrapped
    assert f"|V|: {value:.4g}, the size of the return of trader 2 under the policy itself, at the end" in told
    assert "distance" not in text
    assert np.isnan(load_run(out).evaluation()["distance"]).all()


def test_values_of_several_kinds_come_from_flags():
    costs = ["--transaction-cost", "0.1", "0.2", "0.1", "0.1", "0.1"]
    assert experiment(*costs).game.transaction_cost == (0.1, 0.2, 0.1, 0.1, 0.1)
    assert (
        experiment("--transaction-cost", "0.2").game.transaction_cost
        == experiment().game.replace(transaction_cost=0.2).transaction_cost
    )
    assert experiment("--s0-var", "diffusion").game.s0_var == "diffusion"
    assert experiment("--s0-var", "0.2").game.s0_var == 0.2
    for agent in AGENTS:
        assert experiment("--agent", agent, "--phi", "0").agent.phi == ()
        assert experiment("--agent", agent, "--phi", "3", "4").agent.phi == (3, 4)


@pytest.mark.parametrize("agent", AGENTS)
def test_presets_of_both_agents_are_settings_of_a_run(agent):
    presets = Experiment.build({"run": {"env": ENV, "agent": agent}}).kind.presets
    for name in presets:
        made = experiment("--agent", agent, "--preset", name)
        assert {field: made.agent.to_dict()[field] for field in presets[name].agent} == {
            field: json.loads(json.dumps(value)) if field != "phi" else [k for k in value if k]
            for field, value in presets[name].agent.items()
        }


BAD = {
    "an agent of the other game": (["--agent", "dqn"], "add --env mpgg/migratory_public_goods-v0"),
    "no such agent": (["--agent", "nash"], "agent must be one of"),
    "no such preset": (["--preset", "full"], "preset must be one of"),
    "a flag of the other agent": (["--responses", "3"], "--responses"),
    "a flag of the other game": (["--grid-shape", "2", "2"], "--grid-shape"),
    "costs of other traders": (["--transaction-cost", "0.1", "0.2"], "transaction_cost"),
    "a word that is no variance": (["--s0-var", "none"], "s0_var"),
    "a trader who is not there": (["--response-trader", "5"], "response_trader must be"),
    "no policy": (["--snapshots", "0"], "snapshots must be"),
    "a single episode": (["--evaluation-episodes", "1"], "evaluation_episodes must be"),
    "less than no response": (["--response-iterations", "-1"], "response_iterations must be"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_words_give_one_line_and_create_nothing(name, tmp_path, capsys):
    flags, part = BAD[name]
    assert main(["train", "--env", ENV, *flags, "--out", str(tmp_path / "run")]) == 2
    line = capsys.readouterr().err
    assert line.startswith("mpgg: error: ")
    assert line.count("\n") == 1
    assert part in line
    assert snapshot(tmp_path) == {}


def test_the_market_s_agents_say_where_they_play(tmp_path, capsys):
    assert main(["train", "--agent", "fp_ddpg", "--out", str(tmp_path / "run")]) == 2
    assert f"which plays {ENV}; add --env {ENV}" in capsys.readouterr().err


def test_a_terminated_process_keeps_its_work_and_ends_with_the_same_results(tmp_path):
    # So many steps of the responses that the signal comes in the evaluation.
    slow = words("nash_dqn", GAME, "--seeds", "3", "--response-iterations", "60")
    assert main([*slow, "--quiet", "--out", str(tmp_path / "whole")]) == 0
    out = tmp_path / "run"
    process = start([*slow, "--out", str(out)])
    while not (out / "checkpoint.npz").exists():  # written when the evaluation begins
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    told = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + signal.SIGTERM
    assert f"stopped after 6 rounds, which are kept; go on with: mpgg train --resume {out}" in told
    assert main(["train", "--resume", str(out), "--quiet"]) == 0
    assert results_checksum(out) == results_checksum(tmp_path / "whole")


LIGHT = """
import sys
from mpgg_agents.cli import main
assert main(sys.argv[1:]) == 0
slow = {"torch", "numba", "pyarrow", "matplotlib", "scipy"} & set(sys.modules)
assert not slow, slow
"""


def test_help_of_the_market_loads_no_slow_library():
    for agent in AGENTS:
        text = fresh_python(LIGHT, "train", "--env", ENV, "--agent", agent, "--help")
        for flag in ("--response-iterations", "--transaction-cost", "--phi", "--snapshots"):
            assert flag in text


@pytest.mark.parametrize("agent", AGENTS)
def test_the_preset_with_an_exact_reference_has_one(agent):
    game = experiment("--agent", agent, "--preset", "exact").game
    assert equilibrium_value(game, 0) is not None
    assert game.observation == "full"
