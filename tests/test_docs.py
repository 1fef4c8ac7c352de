"""Every Python block of the documentation and every example runs, and what the documents point to exists."""

import re
import runpy
from pathlib import Path

import pytest

from mpgg_agents.cli import main
from mpgg_agents.experiments.study.sweep import Sweep
from small_study import played, small_study
from tests.interop import records

ROOT = Path(__file__).resolve().parents[1]
# The tests of the wheel do not have the pages within the packages.
PAGES_WITH_CODE = (
    "README.md",
    "CONTRIBUTING.md",
    "agents/mpgg_agents/dqn/README.md",
    "agents/mpgg_agents/experiments/study/README.md",
    "agents/mpgg_agents/fp_ddpg/README.md",
    "agents/mpgg_agents/market_response/README.md",
    "agents/mpgg_agents/mean_field/ddpg/README.md",
    "agents/mpgg_agents/mean_field/dnashq/README.md",
    "agents/mpgg_agents/nash_dqn/README.md",
    "agents/mpgg_agents/nash_q/README.md",
    "mpgg_env/analysis/README.md",
    "mpgg_env/analysis/mean_field/README.md",
    "mpgg_env/games/market/README.md",
    "mpgg_env/games/mean_field/README.md",
    "mpgg_env/games/mean_field/mpgg/README.md",
)
DOCUMENTS = [name for name in PAGES_WITH_CODE if (ROOT / name).exists()]
PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"mpgg (train|sweep|report|info|figures|equilibria|design|exploitability|compare)\b([^`\n#]*)")
KIND_OF_AGENT = re.compile(r"--(?:env|agent) [\w/-]+")
BLOCKS = [
    pytest.param(name, block.group(1), id=f"{name}-{number}")
    for name in DOCUMENTS
    for number, block in enumerate(PYTHON_BLOCK.finditer((ROOT / name).read_text()))
]
RELATIVE_LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
CITATION = re.compile(r"\[[A-Z]\w*\d{4}\]")
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("mpgg_env/**/*.md"), *ROOT.glob("agents/**/*.md")])
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
# The test of a stack names its examples and runs them, some in an environment of its own.
OF_STACKS = {stack: records.examples_of(stack) for stack in records.modules()}
RUN_HERE = [path for path in EXAMPLES if not any(path.name in names for names in OF_STACKS.values())]
# Fewer cases than by default, and the figure, which is not drawn by default.
OPTIONS = {"mean_field_sweep": ("--coalitions", "1", "2", "--gains", "1.6", "3.6", "--out", "sweep.png")}


needs_the_repository = pytest.mark.skipif(
    not (ROOT / "pyproject.toml").exists(), reason="the tests of the wheel have only some of the repository's files"
)


@pytest.fixture(scope="module")
def folder_with_a_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `runs/demo` is a short run of the demonstration's kind, and `runs/corridor` a small study."""
    folder = tmp_path_factory.mktemp("documentation")
    arguments = ["--preset", "text", "--rounds", "2000", "--seeds", "0:2", "--quiet", "--no-figures"]
    assert main(["train", *arguments, "--out", str(folder / "runs" / "demo")]) == 0
    sweep = Sweep(grid={"agent.gamma": [0.0, 0.9], "agent.decay": [0.999, 0.9999]})
    played(small_study(name="corridor", sweep=sweep), folder / "runs" / "corridor")
    return folder


def test_the_readme_has_blocks_for_both_readers() -> None:
    assert len([block for block in BLOCKS if block.values[0] == "README.md"]) >= 2


@pytest.mark.parametrize(("name", "code"), BLOCKS)
def test_block_runs(name: str, code: str, folder_with_a_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder_with_a_run)
    exec(compile(code, name, "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("example", RUN_HERE, ids=lambda path: path.stem)
def test_example_runs(
    example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    options = OPTIONS.get(example.stem, ())
    monkeypatch.setattr("sys.argv", [str(example), *options])  # or an example with options would read those of pytest
    runpy.run_path(str(example), run_name="__main__")
    assert capsys.readouterr().out


def test_each_stack_has_examples_that_no_other_test_runs() -> None:
    named = [name for names in OF_STACKS.values() for name in names]
    assert all(OF_STACKS.values()), OF_STACKS
    assert len(named) == len(set(named)), OF_STACKS
    assert len(RUN_HERE) >= 5


def test_examples_are_short_and_all_named_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    for example in EXAMPLES:
        assert len(example.read_text().splitlines()) < 80, example.name
        assert example.name in readme, f"README.md does not mention {example.name}"


def test_options_of_documented_commands_exist(capsys: pytest.CaptureFixture[str]) -> None:
    commands = [command for name in DOCUMENTS for command in COMMAND.findall((ROOT / name).read_text())]
    assert {"train", "equilibria", "design", "exploitability"} <= {name for name, _ in commands}
    for name, words in commands:
        kinds = [word for kind in KIND_OF_AGENT.findall(words) for word in kind.split()]
        assert main([name, *kinds, "--help"]) == 0
        known = set(re.findall(r"--[a-z0-9-]+", capsys.readouterr().out))
        assert set(re.findall(r"--[a-z0-9-]+", words)) <= known, f"{name} {words}"


@needs_the_repository
@pytest.mark.parametrize("document", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files(document: Path) -> None:
    missing = [link for link in RELATIVE_LINK.findall(document.read_text()) if not (document.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("document", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_left_to_be_filled_in(document: Path) -> None:
    assert not re.findall(r"^[A-Z_]{6,}$|\bTODO\b|\bFIXME\b", document.read_text(), re.MULTILINE)


@needs_the_repository
def test_cited_works_are_in_the_bibliography() -> None:
    known = set(CITATION.findall((ROOT / "BIBLIOGRAPHY.md").read_text()))
    sources = [*ROOT.glob("mpgg_env/**/*.py"), *ROOT.glob("agents/**/*.py"), *PAGES]
    cited = {key for path in sources for key in CITATION.findall(path.read_text())}
    assert cited
    assert cited <= known
