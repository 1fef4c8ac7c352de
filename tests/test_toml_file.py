"""Settings files with lines: every path of keys has the line on which it is written, and every error names it."""

import re
import tomllib
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpgg_agents.experiments.registry import GAMES
from mpgg_agents.experiments.settings import Experiment, read_toml
from mpgg_agents.experiments.study.toml_file import NO_FILE, StudyFileError, culprit, dotted, read_located
from mpgg_agents.experiments.study.toml_lines import lines_of
from tests.toml_documents import toml_documents

STUDY = '''# line 1: a [comment] = "with marks
name = "corridor"
description = """
[not.a.section]
x = 1
"""

[agent]
gamma = 0.5

[sweep.grid]
agent.gamma = [0.0, 0.5,
  0.9, # 1.0]
  2]
"game".boundary = [
  "torus", "wall",
]

[[sweep.list]]
agent = {eta = 0.1, hidden = [5, 6]}
[[sweep.list]]  # the second one
agent.eta = 0.2

[sweep.sample]
fields.agent.gamma = {low = 0.5, high = 0.99}
[sweep]
'''
STUDY_LINES = {
    (): 1,
    ("name",): 2,
    ("description",): 3,
    ("agent",): 8,
    ("agent", "gamma"): 9,
    ("agent", "decay"): 8,
    ("sweep",): 26,
    ("sweep", "grid"): 11,
    ("sweep", "grid", "agent"): 12,
    ("sweep", "grid", "agent", "gamma"): 12,
    ("sweep", "grid", "agent", "gamma", 0): 12,
    ("sweep", "grid", "agent", "gamma", 1): 12,
    ("sweep", "grid", "agent", "gamma", 2): 13,
    ("sweep", "grid", "agent", "gamma", 3): 14,
    ("sweep", "grid", "agent", "gamma", 4): 12,
    ("sweep", "grid", "game", "boundary"): 15,
    ("sweep", "grid", "game", "boundary", 1): 16,
    ("sweep", "list"): 19,
    ("sweep", "list", 0): 19,
    ("sweep", "list", 0, "agent", "eta"): 20,
    ("sweep", "list", 0, "agent", "hidden", 1): 20,
    ("sweep", "list", 1): 21,
    ("sweep", "list", 1, "agent", "eta"): 22,
    ("sweep", "sample", "fields", "agent", "gamma", "high"): 25,
    ("figures", 0, "kind"): 1,
}


def file_of(folder: Path, content: str | bytes) -> Path:
    file = folder / "study.toml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def error_of(folder: Path, content: str | bytes) -> str:
    """What is told of a file that cannot be read, without its path."""
    file = file_of(folder, content)
    with pytest.raises(StudyFileError) as error:
        read_located(file)
    assert len(str(error.value).splitlines()) == 1
    return str(error.value).removeprefix(f"{file}, ")


def paths(value, where=()):
    """The path of every value inside this one."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield (*where, key)
        yield from paths(part, (*where, key))


@settings(max_examples=60)
@given(toml_documents(), st.booleans())
def test_lines_are_those_at_which_a_document_was_written(tmp_path_factory, document, windows):
    text, lines = document
    assert lines_of(text) == lines
    assert set(lines) == set(paths(tomllib.loads(text)))
    if lines:
        file = tmp_path_factory.getbasetemp() / "document.toml"
        file.write_bytes((text.replace("\n", "\r\n") if windows else text).encode())
        located = read_located(file)
        assert repr(located.values) == repr(tomllib.loads(text))  # nan is not equal to itself
        assert located.lines == lines


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_lines_of_a_study(tmp_path, end):
    file = read_located(file_of(tmp_path, STUDY.replace("\n", end)))
    assert {where: file.line(where) for where in STUDY_LINES} == STUDY_LINES
    assert file.values == tomllib.loads(STUDY)


@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_long_string_may_end_in_quotes(quote):
    long = quote * 3
    text = f"v = [{long}a{long}, {long}b{quote}{long},\n{long}c{quote * 2}{long}, {long}{long}]\nw = 1"
    assert tomllib.loads(text)["v"] == ["a", f"b{quote}", f"c{quote * 2}", ""]
    assert lines_of(text) == {("v",): 1, **{("v", k): k // 2 + 1 for k in range(4)}, ("w",): 3}


def test_an_error_names_file_line_and_field(tmp_path):
    file = read_located(file_of(tmp_path, STUDY))
    error = file.error(("sweep", "grid", "agent", "gamma", 3), "gamma must be in [0, 1], got 2")
    assert isinstance(error, ValueError)
    assert str(error) == f"{file.path}, line 14: sweep.grid.agent.gamma[3]: gamma must be in [0, 1], got 2"
    assert str(file.error((), "a study needs a section [run]")) == f"{file.path}, line 1: a study needs a section [run]"


def test_paths_are_written_as_in_the_file():
    assert dotted(("sweep", "list", 1, "agent", "eta")) == "sweep.list[1].agent.eta"
    assert dotted(("a b", "", "é.c", 'd"')) == r'"a b".""."é.c"."d\""'
    assert dotted(("x\n\u2028é",)) == r'"x\n\u2028\u00e9"'  # an error is one line


BAD_FILES = {
    "value": ("a = 1\nb = \n", "line 2: this is not valid TOML: Invalid value (column 5)"),
    "header": ("[game\n", "line 1: this is not valid TOML: Expected ']' at the end of a table declaration (column 6)"),
    "twice": ("a = 1\n\na = 2\n", "line 3: this is not valid TOML: Cannot overwrite a value (column 6)"),
    "section twice": (
        "[a.b]\n[c]\n[a.b]\n",
        "line 3: this is not valid TOML: Cannot declare ('a', 'b') twice (column 5)",
    ),
    "string": ('a = 1\nb = "x\n', "line 2: this is not valid TOML: Illegal character '\\n' (column 7)"),
    "open string": (
        'a = 1\nb = """\n[c]\nd = 1',
        "line 2: this is not valid TOML: Unterminated string (before the file ends)",
    ),
    "open text": (
        "a = 1\nb = '''\n[c]\n\n",
        "line 2: this is not valid TOML: Expected \"'''\" (before the file ends)",
    ),
    "open array": ("a = 1\nb = [\n1,\n", "line 2: this is not valid TOML: Invalid value (before the file ends)"),
    "open line": ("a = 1\n\nb =", "line 3: this is not valid TOML: Invalid value (before the file ends)"),
    "control character": (
        "a = 1\n# \x00\n",
        "line 2: this is not valid TOML: Found invalid character '\\x00' (column 3)",
    ),
    "not UTF-8": (b"a = 1\r\nb = '\xe9'\r\n", "line 2: this is not valid TOML: text must be UTF-8, got the byte 0xe9"),
    "UTF-16": ("a = 1\n".encode("utf-16"), "line 1: this is not valid TOML: text must be UTF-8, got the byte 0xff"),
    "empty": ("", "line 1: the file must set something, got no key and no section"),
    "comments": ("\n# a = 1\n", "line 1: the file must set something, got no key and no section"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_name_the_line_once(name, tmp_path):
    content, message = BAD_FILES[name]
    assert error_of(tmp_path, content) == message


def test_what_python_does_not_read_names_the_line(tmp_path):
    assert error_of(tmp_path, f"a = 1\nb = [\n{'1' * 5000}]\nc = 1\n").startswith(
        "line 3: this cannot be read: Exceeds"
    )
    deep = "[" * 5000 + "]" * 5000
    assert error_of(tmp_path, f"a = 1\nb = {deep}\nc = 1\n").startswith("line 2: this cannot be read: ")


def test_a_missing_file_and_a_folder_cannot_be_read(tmp_path):
    with pytest.raises(StudyFileError, match=f"^cannot read {re.escape(str(tmp_path / 'no'))}: No such file"):
        read_located(tmp_path / "no")
    with pytest.raises(StudyFileError, match=f"^cannot read {re.escape(str(tmp_path))}: Is a directory$"):
        read_located(tmp_path)


MESSAGES = {
    "unknown IQLConfig field 'gama'; did you mean 'gamma'?": ("agent", "gama"),
    "gamma must be in [0, 1], got 1.5": ("agent", "gamma"),
    "target 'sarsa' needs the next action, which update 'before_act' has not chosen yet": ("agent", "target"),
    "hidden[1] must be in [1, 65536], got 0": ("agent", "hidden", 1),
    "hidden[3] must be >= 1, got 0": ("agent", "hidden"),
    "fine.amount must be finite and >= 0, got -1": ("game", "mechanism", 0, "amount"),
    "mechanism must be made of Fine or mappings with their name, got 'fine'": ("game", "mechanism"),
    "n_agents must be a multiple of the 25 casinos with remainder='error', got 7": ("game", "n_agents"),
    "window must be larger: the time series of 25 casinos with 9 windows would take 7 GiB, got 1": ("run", "window"),
    "panel_rounds must be lower: keeping 9 rounds of 3 agents would take 7 GiB (at most 4)": ("run", "rounds"),
    "eta must be a number, got 'x'": None,
    "evaluation_rounds must be an integer, got 'x'": None,
    "windows must be an integer, got 'x'": None,
    "": None,
}
FIELDS = [
    *(("agent", name) for name in ("gamma", "gama", "update", "target", "hidden")),
    *(("agent", "hidden", k) for k in range(3)),
    *(("game", "remainder"), ("game", "n_agents"), ("game", "mechanism"), ("game", "mechanism", 0, "amount")),
    *(("run", "rounds"), ("run", "window"), ("run", "gamma"), (0,), ()),
]


@pytest.mark.parametrize("message", MESSAGES)
def test_the_field_that_comes_first_in_a_message_is_the_culprit(message):
    assert culprit(message, iter(FIELDS)) == MESSAGES[message]


# Fields whose errors speak of another one, by what they do to it.
SPEAKS_OF = {"strict_dilemma": "gain"}
WRONG = [-7, "nonsense", float("nan"), [1, -2.5, "x"]]


@pytest.mark.parametrize("env", GAMES)
def test_every_field_is_the_culprit_of_its_own_errors(env):
    kind = GAMES[env]
    for agent in kind.agents:
        run = {"env": env, "agent": agent, "preset": next(iter(kind.agents[agent].presets))}
        classes = {"game": kind.game_class, "agent": kind.agents[agent].config_class, "run": kind.run_class}
        fields = [(section, name) for section, config in classes.items() for name in config.field_names()]
        for section, name in fields:
            messages = [told for value in WRONG for told in messages_of(run, section, name, value)]
            assert messages
            expected = {(section, name), (section, SPEAKS_OF.get(name, name))}
            assert {culprit(message, fields) for message in messages} <= expected, messages


def messages_of(run: dict, section: str, name: str, value: object) -> list[str]:
    layer: dict = {"game": {}, "agent": {}, "run": run}
    layer[section] = {**layer[section], name: value}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            Experiment.build(layer)
        except (TypeError, ValueError) as error:
            return [str(error)]
    return []


def test_errors_inside_get_their_line_and_others_stay(tmp_path):
    file = read_located(file_of(tmp_path, STUDY))
    outer, inner = file.naming(file.lines), file.naming(file.lines)
    with pytest.raises(StudyFileError) as told, outer, inner:
        raise TypeError("gamma must be a number, got 'x'")
    assert str(told.value) == f"{file.path}, line 9: agent.gamma: gamma must be a number, got 'x'"
    with pytest.raises(TypeError, match=r"^tie must be") as kept, file.naming(file.lines):
        raise TypeError("tie must be a text, got 3")
    assert type(kept.value) is TypeError
    with pytest.raises(ValueError, match=r"^gamma must be") as kept, NO_FILE.naming(NO_FILE.lines):
        raise ValueError("gamma must be in [0, 1], got 2")
    assert type(kept.value) is ValueError


def test_sections_of_a_run_have_lines(tmp_path):
    file = read_toml(file_of(tmp_path, "[game]\n\n[agent]\ngamma = 0\n"))
    assert (file.values, file.line(("agent", "gamma"))) == ({"game": {}, "agent": {"gamma": 0}}, 4)
    with pytest.raises(StudyFileError, match=r"study\.toml, line 2: agnet: unknown section 'agnet'; did you mean"):
        read_toml(file_of(tmp_path, "[game]\n[agnet]\n"))
    with pytest.raises(StudyFileError, match=r"study\.toml, line 1: run: run must be a section \[run\], got \[\{\}\]"):
        read_toml(file_of(tmp_path, "[[run]]\n"))
