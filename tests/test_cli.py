"""The `mpgg` command: flags, precedence, listings, and one clear line for bad input."""

import json
import re
from pathlib import Path

import pytest

from mpgg_agents.arguments import parse, read_experiment
from mpgg_agents.cli import main
from mpgg_agents.dqn import PRESETS as DQN_PRESETS
from mpgg_agents.dqn import DQNConfig
from mpgg_agents.experiments.mpgg.settings import MPGGRunConfig
from mpgg_agents.experiments.progress import make_progress
from mpgg_agents.iql import PRESETS, IQLConfig
from mpgg_agents.nash_q import PRESETS as NASH_Q_PRESETS
from mpgg_agents.nash_q import NashQConfig
from mpgg_env import MPGGConfig
from mpgg_env.games.mpgg.mechanism_config import Capacity, Fine, PeerPunishment, Pigou
from tests.support import fresh_python
from tests.tiny_run import FLAGS, snapshot, train


def experiment(*words: str):
    return read_experiment(parse(["train", *words]))


def error_of(capsys: pytest.CaptureFixture[str], words: list[str]) -> str:
    """The message of a command that fails for bad input, after checking that it is one line."""
    assert main(words) == 2
    output = capsys.readouterr()
    assert output.out == ""
    lines = output.err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("mpgg: error: ")
    return lines[0].removeprefix("mpgg: error: ")


@pytest.mark.parametrize(
    ("words", "agent"),
    [([], IQLConfig), (["--agent", "dqn"], DQNConfig), (["--agent", "nash_q"], NashQConfig)],
    ids=["iql", "dqn", "nash_q"],
)
def test_every_field_of_game_run_and_agent_is_a_flag_with_help(words, agent, capsys):
    assert main(["train", *words, "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for config in (MPGGConfig, MPGGRunConfig, agent):
        assert list(config.field_help()) == config.field_names()
        for name, description in config.field_help().items():
            assert f"--{name.replace('_', '-')}" in text
            assert description in text
    assert set(MPGGConfig.field_names()).isdisjoint(agent.field_names())
    assert set(MPGGRunConfig.field_names()).isdisjoint([*agent.field_names(), *MPGGConfig.field_names()])


def test_help_speaks_of_all_kinds_of_agent(capsys):
    assert main(["--help"]) == 0
    assert "independent, deep and Nash Q-learning" in " ".join(capsys.readouterr().out.split())
    assert main(["train", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "--agent dqn by deep Q-learning, or with --agent nash_q by Nash Q-learning" in text
    assert "iql, independent Q-learning with tables; dqn, deep Q-learning" in text
    assert "nash_q, Nash Q-learning for two to four agents" in text


@pytest.mark.parametrize(("agent", "other"), [("iql", "dqn"), ("dqn", "iql"), ("nash_q", "iql")])
def test_help_names_the_other_kinds_of_agent(agent, other, capsys):
    assert main(["train", "--agent", agent, "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert f"those of agent {agent}; for those of another kind see `mpgg train --agent {other} --help` or `" in text
    assert f"`mpgg train --agent {agent} --help`" not in text


def test_help_tells_what_resuming_takes_over(capsys):
    assert main(["train", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "go on with the run in this folder, which keeps its settings, the agents' device included" in text
    assert "the newest losses at its end; --resume writes more of them only with --tensorboard again" in text


def test_the_kind_of_agent_decides_what_is_kept():
    words = {"iql": [], "dqn": ["--agent", "dqn"], "nash_q": ["--agent", "nash_q"]}
    kept = {name: experiment(*flags).keeps_learned for name, flags in words.items()}
    assert kept == {"iql": False, "dqn": True, "nash_q": True}
    for flags in words.values():
        assert experiment(*flags, "--keep-learned").keeps_learned
        assert not experiment(*flags, "--no-keep-learned").keeps_learned


def test_deep_agents_have_flags_and_presets_of_their_own(tmp_path):
    file = tmp_path / "study.toml"
    file.write_text('[agent]\nhidden = [5, 6]\ndouble = true\n[run]\nagent = "dqn"\npreset = "independent"\n')
    made = experiment("--config", str(file), "--learning-rate", "0.01", "--hidden", "7")
    assert made.agent == DQNConfig(sharing="independent", hidden=(7,), double=True, learning_rate=0.01)
    assert DQN_PRESETS["independent"].agent == {"sharing": "independent"}
    assert experiment("--agent", "dqn").agent == DQNConfig()
    assert experiment("--agent", "dqn", "--preset", "gamma_0").agent == DQNConfig(gamma=0)


def test_flags_reach_the_settings_in_their_own_types():
    made = experiment(
        *("--n-agents", "20", "--grid-shape", "2", "3", "--gain-range", "1.2", "4", "--boundary", "mask"),
        *("--strict-dilemma", "--cost", "0", "1", "2", "3", "4", "5"),
        *("--eta", "0.5", "--game-order", "1", "0", "--flush-last", "--count-bins", "8"),
        *("--seeds", "4", "10:12", "--rounds", "50", "--keep-learned", "--no-figures"),
    )
    assert made.game == MPGGConfig(
        n_agents=20,
        grid_shape=(2, 3),
        gain_range=(1.2, 4),
        boundary="mask",
        strict_dilemma=True,
        cost=(0, 1, 2, 3, 4, 5),
    )
    assert made.agent == IQLConfig(eta=0.5, game_order=(1, 0), flush_last=True, count_bins=8)
    assert made.run.seeds == (4, 10, 11)
    assert (made.run.rounds, made.run.keep_learned, made.run.figures) == (50, True, False)


def test_mechanisms_come_from_flags_and_files(tmp_path):
    words = ["--mechanism", "capacity:seats=6", "peer:punishment=0.5,cost=0.25", "fine:amount=1e-1", "pigou"]
    made = experiment(*words).game
    kinds = (Fine(amount=0.1), Pigou(), Capacity(seats=6), PeerPunishment(punishment=0.5, cost=0.25))
    assert made == MPGGConfig(mechanism=kinds)
    file = tmp_path / "study.toml"
    file.write_text('[game]\ngrid_shape = [1, 2]\nmechanism = [{name = "fine", amount = [0.5, 0.25]}]\n')
    assert experiment("--config", str(file)).game == MPGGConfig(grid_shape=(1, 2), mechanism=Fine(amount=(0.5, 0.25)))
    assert experiment("--config", str(file), "--mechanism", "pigou").game.mechanisms == (Pigou(),)


def test_preset_ranks_below_file_and_file_below_flags(tmp_path):
    file = tmp_path / "study.toml"
    file.write_text(
        '[game]\nboundary = "wall"\n[agent]\ngamma = 0.5\ntie = "last"\n[run]\npreset = "author_code"\nseeds = "1:3"\n'
    )
    made = experiment("--config", str(file), "--tie", "random", "--rounds", "70")
    assert made.game.payoff == PRESETS["author_code"].game["payoff"] == "code"
    assert made.game.boundary == "wall"
    assert (made.agent.gamma, made.agent.tie, made.agent.decay) == (0.5, "random", 0.995)
    assert (made.run.seeds, made.run.rounds) == ((1, 2), 70)


def test_listing_names_every_preset_with_its_source(capsys):
    assert main(["presets"]) == 0
    text = capsys.readouterr().out
    for agent, presets in (("iql", PRESETS), ("dqn", DQN_PRESETS), ("nash_q", NASH_Q_PRESETS)):
        for name, preset in presets.items():
            assert re.search(
                rf"^{name}  \(agent {agent}\)\n    source: {re.escape(preset.source)}$", text, re.MULTILINE
            )


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == "mpgg-env 0.1.0\n"


def test_help_and_listing_load_no_slow_library():
    code = (
        "import sys; from mpgg_agents.cli import main; main(['train', '--help']); main(['presets']); "
        "main(['train', '--agent', 'dqn', '--help']); main(['train', '--agent', 'nash_q', '--help']); "
        "slow = ('numba', 'torch', 'matplotlib', 'pyarrow', 'scipy', 'PIL', 'quantecon'); "
        "print([name for name in slow if name in sys.modules])"
    )
    assert fresh_python(code).splitlines()[-1] == "[]"


BAD_WORDS = {
    "no command": ([], "the following arguments are required: COMMAND"),
    "command": (["trian"], "unknown command 'trian'; did you mean 'train'?"),
    "flag": (["train", "--ronds", "5"], "unknown argument --ronds; did you mean '--rounds'?"),
    "flag with value": (["train", "--gama=1"], "unknown argument --gama; did you mean '--gamma'?"),
    "stray word": (["presets", "all"], "unknown argument all"),
    "no number": (["train", "--eta", "much"], "argument --eta: invalid float value: 'much'"),
    "nan": (["train", "--eta", "nan"], "eta must be in (0, 1], got nan"),
    "infinite": (["train", "--gain-range", "1.5", "inf"], "gain_range[1] must be finite and >= 0, got inf"),
    "range": (["train", "--gamma", "1.5"], "gamma must be in [0, 1], got 1.5"),
    "choice": (
        ["train", "--boundary", "tours"],
        "boundary must be one of 'torus', 'wall', 'mask', got 'tours'; did you mean 'torus'?",
    ),
    "shape": (["train", "--cost", "1", "2"], "cost must have one value for each of the 25 casinos, got 2 values"),
    "mechanism": (
        ["train", "--mechanism", "capactiy"],
        "the name of a mechanism must be one of 'fine', 'subsidy', 'subsidy_local', 'toll', 'pigou', 'capacity', "
        "'peer', got 'capactiy'; did you mean 'capacity'?",
    ),
    "parameter": (
        ["train", "--mechanism", "pigou", "peer:punishement=1"],
        "unknown peer parameter 'punishement'; did you mean 'punishment'?",
    ),
    "form of a mechanism": (
        ["train", "--mechanism", "fine:amount"],
        "argument --mechanism: must be such as fine:amount=0.96, capacity or peer:punishment=0.2,cost=0.1, "
        "got 'fine:amount'",
    ),
    "amount": (["train", "--mechanism", "fine:amount=-1"], "fine.amount must be finite and >= 0, got -1"),
    "seats": (["train", "--mechanism", "capacity:seats=2.5"], "capacity.seats must be an integer, got 2.5"),
    "preset": (
        ["train", "--preset", "texts"],
        "preset must be one of 'text', 'author_code', 'corridor_wall', 'gamma_0', got 'texts'; did you mean 'text'?",
    ),
    "agent": (
        ["train", "--agent", "dqm"],
        "agent must be one of 'iql', 'dqn', 'nash_q', got 'dqm'; did you mean 'dqn'?",
    ),
    "rounds": (["train", "--rounds", "0"], "rounds must be in [1, 2147483647], got 0"),
    "seed": (["train", "--seeds", "1", "x"], "seeds must be integers or ranges such as 0:20, got 'x'"),
    "negative seed": (["train", "--seeds", "1", "-2"], f"seeds must be in [0, {2**63 - 1}], got -2"),
    "empty range": (["train", "--seeds", "5:5"], "seeds must be ranges of 1 to 1000000 seeds, got '5:5'"),
    "same seed": (["train", "--seeds", "1", "0:3"], "seeds must be distinct, got 1 twice"),
    "empty out": (["train", "--out", ""], "argument --out: a path must not be empty, got ''"),
    "empty run": (["info", ""], "argument RUN: a path must not be empty, got ''"),
    "no out": (["train"], "train needs --out DIR, a new folder for the results, or --resume RUN"),
    "threads": (["train", "--threads", "0"], "threads must be >= 1, got 0"),
    "window": (
        ["train", "--grid-shape", "400", "400"],
        "window must be larger: the time series of 160000 casinos with 1000 windows would take 167 GiB (at most 4), "
        "got 100",
    ),
    "move order": (["train", "--move-order", "0", "1"], "an action order must have all 5 actions, got (0, 1)"),
    "combination": (
        ["train", "--target", "sarsa", "--update", "before_act"],
        "target 'sarsa' needs the next action, which update 'before_act' has not chosen yet",
    ),
    "flag of another agent": (["train", "--agent", "dqn", "--eta", "0.1"], "--eta is for agent 'iql', got agent 'dqn'"),
    "flag of another agent with no": (["train", "--no-double"], "--no-double is for agent 'dqn'; add --agent dqn"),
    "own flag misspelt": (["train", "--eps_min", "0.1"], "unknown argument --eps_min; did you mean '--eps-min'?"),
    "own flag of dqn misspelt": (
        ["train", "--agent", "dqn", "--learning_rate", "0.1"],
        "unknown argument --learning_rate; did you mean '--learning-rate'?",
    ),
    "flag of another agent misspelt": (
        ["train", "--learning_rate", "0.1"],
        "unknown argument --learning_rate; did you mean '--learning-rate'?",
    ),
    "no of a number": (["train", "--no-gamma"], "unknown argument --no-gamma; did you mean '--gamma'?"),
    "no of another agent's number": (
        ["train", "--no-device"],
        "unknown argument --no-device; did you mean '--device'?",
    ),
    "flag of an agent elsewhere": (["presets", "--double"], "unknown argument --double"),
    "settings elsewhere": (["info", "run", "--config", "no.toml"], "unknown argument --config"),
    "preset of another agent": (
        ["train", "--agent", "dqn", "--preset", "author_code"],
        "preset must be one of 'text', 'independent', 'gamma_0', got 'author_code'",
    ),
    "value of a switch": (
        ["train", "--keep-learned=yes"],
        "argument --keep-learned/--no-keep-learned: ignored explicit argument 'yes'",
    ),
    "resume and more": (
        ["train", "--resume", "run", "--rounds", "5"],
        "--rounds cannot be given with --resume: the run keeps its settings",
    ),
    "resume and an agent's own flag": (
        ["train", "--resume", "run", "--device", "cpu"],
        "--device cannot be given with --resume: the run keeps its settings",
    ),
    "resume and agent": (
        ["train", "--resume", "run", "--agent", "dqn", "--double"],
        "--double cannot be given with --resume: the run keeps its settings",
    ),
    "resume and settings": (
        ["train", "--resume", "run", "--config", "no.toml"],
        "--config cannot be given with --resume: the run keeps its settings",
    ),
}


@pytest.mark.parametrize("name", BAD_WORDS)
def test_bad_words_give_one_line_and_create_nothing(name, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words, message = BAD_WORDS[name]
    without_out = words[:1] != ["train"] or "--resume" in words or name in ("no out", "empty out")
    out = [] if without_out else ["--out", str(tmp_path / "run")]
    assert error_of(capsys, [*words, *out]) == message
    assert snapshot(tmp_path) == {}


BAD_FILES = {
    "no toml": ("[game\n", "is not valid TOML"),
    "not text": (b"\xff\xfe", "is not valid TOML"),
    "section": ("[gmae]\nn_agents = 3\n", "{}, line 1: gmae: unknown section 'gmae'; did you mean 'game'?"),
    "loose value": ("game = 3\n", "{}, line 1: game: game must be a section [game], got 3"),
    "field": ("[game]\nn_agnets = 3\n", "unknown MPGGConfig field 'n_agnets'; did you mean 'n_agents'?"),
    "run field": ("[run]\nround = 3\n", "unknown MPGGRunConfig field 'round'; did you mean 'rounds'?"),
    "type": ('[agent]\neta = "x"\n', "eta must be a number, got 'x'"),
    "mechanism": ('[game]\nmechanism = ["fine"]\n', "mechanism must be made of Fine, "),
    "nan": ("[agent]\neta = nan\n", "eta must be in (0, 1], got nan"),
    "agent type": ("[run]\nagent = 3\n", "agent must be one of 'iql', 'dqn', 'nash_q', got 3"),
    "seed type": ("[run]\nseeds = [1.5]\n", "seeds must be an integer, got 1.5"),
    "flag type": ("[run]\nfigures = 1\n", "figures must be True or False, got 1"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_give_one_line_and_create_nothing(name, tmp_path, capsys):
    content, message = BAD_FILES[name]
    file = tmp_path / "study.toml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = snapshot(tmp_path)
    told = error_of(capsys, ["train", "--config", str(file), "--out", str(tmp_path / "run")])
    assert message.format(file) in told
    assert snapshot(tmp_path) == before


def test_errors_name_the_line_of_the_file_and_not_for_flags_in_its_place(tmp_path, capsys):
    file = tmp_path / "study.toml"
    mechanism = 'mechanism = [\n  {name = "pigou"},\n  {name = "fine", amount = -1},\n]\n'
    file.write_text(f"[agent]\n# no discount\ngamma = 2\n[game]\n{mechanism}")
    told = error_of(capsys, ["train", "--config", str(file)])
    assert told == f"{file}, line 7: game.mechanism[1].amount: fine.amount must be finite and >= 0, got -1"
    words = ["train", "--config", str(file), "--mechanism", "pigou"]
    assert error_of(capsys, words) == f"{file}, line 3: agent.gamma: gamma must be in [0, 1], got 2"
    assert error_of(capsys, [*words, "--gamma", "3"]) == "gamma must be in [0, 1], got 3.0"
    assert read_experiment(parse([*words, "--gamma", "1"])).agent.gamma == 1
    file.write_text("[run]\nseeds = [0]\nagent = []\n")
    told = error_of(capsys, ["train", "--config", str(file)])
    assert told == f"{file}, line 3: run.agent: agent must be one of 'iql', 'dqn', 'nash_q', got []"
    assert error_of(capsys, ["train", "--config", str(file), "--agent", "sql"]).startswith("agent must be one of 'iql'")


def test_a_missing_file_and_a_folder_are_refused(tmp_path, capsys):
    missing = tmp_path / "no.toml"
    assert error_of(capsys, ["train", "--config", str(missing)]) == f"cannot read {missing}: No such file or directory"
    assert error_of(capsys, ["train", "--config", str(tmp_path)]) == f"cannot read {tmp_path}: Is a directory"


def test_a_folder_that_is_not_empty_is_refused(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("keep me")
    before = snapshot(tmp_path)
    told = error_of(capsys, ["train", *FLAGS, "--out", str(tmp_path)])
    assert told == f"out must be a new or empty folder, but {tmp_path} is not empty"
    told = error_of(capsys, ["train", *FLAGS, "--out", str(tmp_path / "notes.txt")])
    assert told == f"out must be a new or empty folder, got the file {tmp_path / 'notes.txt'}"
    told = error_of(capsys, ["train", *FLAGS, "--out", str(tmp_path / "notes.txt" / "run")])
    assert told == f"out must be a new or empty folder, but {tmp_path / 'notes.txt'} is a file"
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("words", [["info"], ["figures"], ["train", "--resume"]], ids=" ".join)
def test_what_is_no_run_folder_is_refused(words, tmp_path, capsys):
    missing = tmp_path / "missing"
    assert error_of(capsys, [*words, str(missing)]) == f"{missing} is not a run folder: there is no such folder"
    assert error_of(capsys, [*words, str(tmp_path)]) == f"{tmp_path} is not a run folder: it has no manifest.json"
    assert snapshot(tmp_path) == {}


def test_info_shows_settings_and_windows(tmp_path, capsys):
    run = tmp_path / "run"
    assert train(run, "--gamma", "0.5", "--mechanism", "capacity:seats=2") == 0
    assert capsys.readouterr().out == ""
    assert main(["info", str(run)]) == 0
    text = capsys.readouterr().out
    checksum = json.loads((run / "manifest.json").read_text())["results_checksum"]
    mechanism = "mechanism = [{'name': 'capacity', 'seats': 2}]"
    for words in (
        "complete",
        "n_agents = 14",
        mechanism,
        "gamma = 0.5",
        "grid_shape = [2, 3]",
        checksum,
        "I_alpha",
        "greedy",
    ):
        assert words in text
    table = text.partition("Windows of")[2]
    assert max(map(len, table.splitlines())) <= 80


def test_the_game_s_warning_is_a_note_of_a_run_that_starts(tmp_path, capsys):
    words = ["train", *FLAGS, "--n-agents", "36", "--no-figures", "--out", str(tmp_path / "run")]
    assert main(words) == 0  # N / M = 6, the highest gain
    assert capsys.readouterr().err.count("mpgg: note: not every casino poses a dilemma") == 1
    assert "is not empty" in error_of(capsys, words)


def test_a_log_gets_a_line_with_speed_cooperation_and_exploration(tmp_path, capsys):
    assert main(["train", *FLAGS, "--no-figures", "--out", str(tmp_path / "run")]) == 0
    output = capsys.readouterr()
    assert re.search(
        r"^mpgg: 600 of 600 rounds, [\d,]+ rounds/s, cooperation 0\.\d{3}, epsilon 0\.970$", output.err, re.MULTILINE
    )  # .99995 ** 600 = .97044
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert f"results checksum: {manifest['results_checksum']}" in output.out


def test_a_terminal_gets_a_bar(capsys):
    bar = make_progress("bar", 600, 100)
    bar.update(200, "cooperation 0.250, epsilon 0.500")
    bar.say("hello")
    bar.close()
    text = capsys.readouterr().err
    assert "300/600" in text
    assert "cooperation 0.250, epsilon 0.500" in text
    assert "rounds/s" in text
    assert "mpgg: hello\n" in text


def test_an_empty_folder_may_be_given(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    assert train(run) == 0
    assert (run / "metrics.parquet").is_file()


def test_a_full_disk_is_one_line_and_exit_code_1(tmp_path, capsys, monkeypatch):
    from mpgg_agents.experiments import results, storage

    def full(*arguments: object, **options: object) -> str:
        raise OSError(28, "No space left on device", "somewhere")

    monkeypatch.setattr(results, "write_metrics", full)
    assert train(tmp_path / "run") == 1
    assert capsys.readouterr().err == "mpgg: error: somewhere: No space left on device\n"
    checkpoint = tmp_path / "run" / "checkpoint.npz"
    assert set(storage.read_arrays(checkpoint)) > {"checksum"}


def test_settings_in_the_run_folder_are_the_ones_asked_for(tmp_path):
    out = Path(tmp_path / "deep" / "run")
    assert train(out, "--eta", "0.3") == 0
    config = json.loads((out / "config.json").read_text())
    assert config["agent"]["eta"] == 0.3
    assert config["game"]["n_agents"] == 14
    assert config["run"]["seeds"] == [3, 8]
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["command"][:2] == ["mpgg", "train"]
    assert manifest["seeds"] == [3, 8]
    assert {"numpy", "numba", "pyarrow", "torch", "stable-baselines3"} <= manifest["libraries"].keys()
