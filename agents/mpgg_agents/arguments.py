"""The command line of `mpgg`: its parsers, and words turned into checked settings."""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

import mpgg_env
from mpgg_agents.comparison.settings import CompareConfig
from mpgg_agents.design.settings import DesignConfig
from mpgg_agents.experiments.files import EVENTS
from mpgg_agents.experiments.flags import add_config_flags, given
from mpgg_agents.experiments.kinds import GameKind
from mpgg_agents.experiments.mean_field.settings import ENVS
from mpgg_agents.experiments.registry import DEFAULT_ENV, GAMES
from mpgg_agents.experiments.settings import Experiment, chosen_kinds, read_toml
from mpgg_agents.experiments.study.execution import Workers
from mpgg_agents.experiments.study.toml_file import NO_FILE, Located
from mpgg_agents.iql.config import IQLConfig
from mpgg_env.core.config import Config
from mpgg_env.core.validation import check_choice, suggestion
from mpgg_env.games.mpgg.config import MPGGConfig

# Games of which `mpgg equilibria` knows something: of the MPGG between coalitions there is no reference.
WITH_EQUILIBRIA: Final = (DEFAULT_ENV, *(env for env, game in ENVS.items() if game != "mpgg"))
WITH_RESUME: Final = ("command", "resume", "threads", "tensorboard", "quiet")

_DESCRIPTION: Final = """The migratory public goods game, learned by independent, deep and Nash Q-learning; a trading
market, learned by Nash-DQN and fictitious play; and mean-field-type games between coalitions of many agents, learned
by DNashQ-MFTG and DDPG-MFTG: runs, equilibria, exploitability and mechanism design."""
_TRAIN: Final = """The preset ranks below the TOML file, the TOML file below the flags. A run that was stopped or killed
goes on with --resume."""
_SWEEP: Final = """Plays every cell of a study, which is one experiment with some of its settings varied, and writes
tables over all cells, seeds and recorded rounds. Cells are run folders in a store that studies share: what is there is
not played again. The same command goes on with a study that was stopped or killed."""
_REPORT: Final = """Writes one HTML file with the settings, figures and tables of a run or a study, its grid over time
and downloads of its numbers. It needs no network. Missing figures are drawn first."""
_EXPLOITABILITY: Final = """Tells what one agent gains by a best response to the others' learned policies in the
repeated game: exactly, by dynamic programming on the positions and actions of all, where these are few enough;
elsewhere as a lower bound with a confidence interval, from a response to what the agent meets, played against its own
policy."""
_GAP: Final = """Plays the profile that a run in a mean-field-type game has learned in the finite games of more and more
agents, where every agent moves by itself, and tells how far distributions and returns are from those of the limit, with
95 % intervals and the fitted slope of the logarithms; theory says -1/2."""
_EQUILIBRIA: Final = """Computes the social optimum, the best, worst and symmetric equilibria of the one-round games
that the configuration stands for, how far each is from the optimum, and from which parameter on each mechanism makes
full cooperation stable. Of a mean-field-type game (--env): a reference equilibrium for every start of the testing set,
with a bound of what anybody could still gain."""
_COMPARE: Final = """Compares what traders have learned in runs on the same market. In episodes that are the same for
all, one trader follows the policy of one run and the others that of another: what it gains, by Welch's test and paired
by the episodes, and what all earn under each policy. Runs that differ in the weight of the penalty on psi alone are
also compared by their losses. Writes numbers (JSON) and figures."""
_DESIGN: Final = """Finds the weakest mechanism under which equilibrium reaches a share of the social optimum, says what
it costs, and trains independent Q-learners under it and under weaker and stronger ones: welfare before and after, with
confidence intervals."""
_RESUME: Final = "go on with the run in this folder, which keeps its settings, the agents' device included"
_THREADS: Final = "threads over the seeds; the results do not depend on it [default: one per processor]"
_TENSORBOARD: Final = f"""write TensorBoard event files to {EVENTS}/ in the run folder: means over each window, and the
newest losses at its end; --resume writes more of them only with --tensorboard again; needs the extra mpgg-env[deep]"""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are exceptions, so that the command reports them all in one way."""

    def error(self, message: str) -> NoReturn:
        """Raises ValueError, with a suggestion for a misspelt command."""
        choice = re.search(r"invalid choice: '?(.*?)'? \(choose from (.*)\)", message)
        if choice:
            names = choice[2].replace("'", "").split(", ")
            message = f"unknown command {choice[1]!r}{suggestion(choice[1], names)}"
        raise ValueError(message)


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The arguments of the words after `mpgg`.

    Raises:
        ValueError: A command or flag is unknown, lacks its value, or has a value of the wrong kind.
    """
    parser, commands = _parsers(*_kinds_of(words))
    arguments, unknown = parser.parse_known_args(words)
    if unknown:
        word = next((word for word in unknown if word.startswith("-")), unknown[0]).partition("=")[0]
        raise ValueError(_complaint(word, arguments, commands[arguments.command]))
    return arguments


def read_experiment(arguments: argparse.Namespace) -> Experiment:
    """The experiment of `mpgg train` from preset, TOML file and flags.

    Raises:
        ValueError: A field is unknown or out of range, or the file cannot be read.
        TypeError: A value has the wrong type.
    """
    file = _file(arguments)
    kind, agent = _chosen(arguments, file)
    flags = {
        "game": given(arguments, kind.game_class),
        "agent": given(arguments, kind.agents[agent].config_class),
        "run": given(arguments, kind.run_class),
    }
    overridden = [(section, field) for section, fields in flags.items() for field in fields]
    with file.naming(where for where in file.lines if len(where) > 1 and where[:2] not in overridden):
        return Experiment.build(file.values, flags)


def check_resume(arguments: argparse.Namespace) -> None:
    """Raises ValueError for flags that --resume does not go with: the run's own settings decide."""
    for name, value in vars(arguments).items():
        if name not in WITH_RESUME and value is not None:
            raise ValueError(_not_with_resume(f"--{name.replace('_', '-')}"))


def _parsers(kind: GameKind, agent: str) -> tuple[Parser, dict[str, Parser]]:
    parser = Parser(prog="mpgg", description=_DESCRIPTION, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"mpgg-env {mpgg_env.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    train = commands.add_parser(
        "train", help="train agents and write a run folder", description=_train_text(kind, agent), allow_abbrev=False
    )
    _add_train_flags(train, kind, agent)
    sweep = commands.add_parser(
        "sweep", help="play the cells of a study and write its tables", description=_SWEEP, allow_abbrev=False
    )
    _add_sweep_flags(sweep)
    info = commands.add_parser("info", help="check and summarise a run folder", allow_abbrev=False)
    figures = commands.add_parser("figures", help="draw the figures of a complete run again", allow_abbrev=False)
    for reader in (info, figures):
        reader.add_argument("run", type=_path, metavar="RUN", help="folder that `mpgg train --out` wrote")
    report = commands.add_parser("report", help="write a page for a browser", description=_REPORT, allow_abbrev=False)
    _add_report_flags(report)
    compare = commands.add_parser(
        "compare",
        help="let the policies of runs in the market play each other",
        description=_COMPARE,
        allow_abbrev=False,
    )
    _add_compare_flags(compare)
    exploitability = commands.add_parser(
        "exploitability",
        help="what one agent of a run gains by deviating",
        description=_EXPLOITABILITY,
        allow_abbrev=False,
    )
    _add_exploitability_flags(exploitability)
    gap = commands.add_parser(
        "gap",
        help="play a learned mean-field profile with finitely many agents",
        description=_GAP,
        allow_abbrev=False,
    )
    _add_gap_flags(gap)
    equilibria = commands.add_parser(
        "equilibria", help="what theory says of a game", description=_EQUILIBRIA, allow_abbrev=False
    )
    _add_equilibria_flags(equilibria, kind)
    design = commands.add_parser(
        "design", help="find a mechanism that makes cooperation pay", description=_DESIGN, allow_abbrev=False
    )
    _add_design_flags(design)
    commands.add_parser("presets", help="list the named settings with their source", allow_abbrev=False)
    return parser, dict(commands.choices)


def _train_text(kind: GameKind, agent: str) -> str:
    env = "" if kind.env == DEFAULT_ENV else f"--env {kind.env} "
    others = " or ".join(f"`mpgg train {env}--agent {name} --help`" for name in kind.agents if name != agent)
    games = " or ".join(f"`mpgg train --env {name} --help`" for name in GAMES if name != kind.env)
    own = f"The last flags below are those of agent {agent}; for those of another kind see {others}."
    return f"{kind.train_text} {_TRAIN} {own} For another game see {games}."


def _add_train_flags(train: Parser, kind: GameKind, agent: str) -> None:
    files = train.add_argument_group("files and machine")
    files.add_argument("--out", type=_path, metavar="DIR", help="new or empty folder for the results")
    files.add_argument("--resume", type=_path, metavar="RUN", help=_RESUME)
    files.add_argument("--config", type=_path, metavar="FILE", help="TOML file with sections [game], [agent], [run]")
    files.add_argument("--threads", type=int, metavar="INT", help=_THREADS)
    files.add_argument("--tensorboard", action="store_true", help=_TENSORBOARD)
    files.add_argument("--quiet", action="store_true", help="show nothing but errors")
    _add_kind_flags(train, kind, agent)


def _add_kind_flags(train: Parser, kind: GameKind, agent: str) -> None:
    run = add_config_flags(train, "run", kind.run_class, skip=["seeds"])
    seeds: Any = kind.run_class.__dataclass_fields__["seeds"].default
    default = f"[default: {seeds[0]}:{seeds[-1] + 1}]"
    run.add_argument(
        "--seeds", nargs="+", default=argparse.SUPPRESS, help=f"{kind.run_class.field_help()['seeds']} {default}"
    )
    add_config_flags(train, f"game ({kind.title})", kind.game_class)
    add_config_flags(train, f"agent {agent}", kind.agents[agent].config_class)


def _add_sweep_flags(parser: Parser) -> None:
    parser.add_argument("study", type=_path, metavar="FILE", help="TOML file of the study")
    out = "folder of the study: new, empty, or one of this study, which then goes on [default: runs/ and its name]"
    parser.add_argument("--out", type=_path, metavar="DIR", help=out)
    store = "folder of the runs, which studies share [default: store beside the study's folder]"
    parser.add_argument("--store", type=_path, metavar="DIR", help=store)
    replace = "let a folder of another study become one of this study; the runs stay in their store"
    parser.add_argument("--replace", action="store_true", help=replace)
    parser.add_argument("--quiet", action="store_true", help="show nothing but errors")
    add_config_flags(parser, "machine", Workers)


def _add_report_flags(parser: Parser) -> None:
    parser.add_argument("path", type=_path, metavar="RUN|STUDY", help="folder of a run or of a study")
    parser.add_argument("--out", type=_path, metavar="FILE", help="the page [default: report.html in the folder]")


def _add_compare_flags(parser: Parser) -> None:
    parser.add_argument("runs", nargs="+", type=_path, metavar="RUN", help="folders of complete runs, at least two")
    parser.add_argument("--out", type=_path, required=True, metavar="DIR", help="new or empty folder for the results")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    add_config_flags(parser, "comparison", CompareConfig)


def _add_exploitability_flags(parser: Parser) -> None:
    parser.add_argument("run", type=_path, metavar="RUN", help="folder of a complete run that kept what was learned")
    numbers: dict[str, tuple[type, str]] = {
        "gamma": (float, "discount per round [default: that of the run's agents]"),
        "rounds": (int, "rounds of the game [default: no end]"),
        "agents": (int, "how many agents to examine [default: all where the method is exact, else at most 10]"),
        "epsilon": (float, "exploration rate of everybody [default: 0]"),
        "seed": (int, "seed of the sampled method [default: 0]"),
        "replicas": (int, "independent replicas of the sampled method [default: 64]"),
    }
    for name, (kind, text) in numbers.items():
        parser.add_argument(f"--{name}", type=kind, metavar="INT" if kind is int else "NUMBER", help=text)
    parser.add_argument("--seeds", nargs="+", help="which replicas of the run [default: all]")
    parser.add_argument("--method", default="auto", metavar="NAME", help="auto, exact or sampled [default: auto]")
    parser.add_argument(
        "--start",
        default="initial",
        metavar="NAME",
        help="initial positions of the game, or final ones of the training",
    )
    parser.add_argument(
        "--json", type=_path, metavar="FILE", help="write the gains of all agents examined to this file"
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def _add_gap_flags(parser: Parser) -> None:
    parser.add_argument("run", type=_path, metavar="RUN", help="folder of a complete run in a mean-field-type game")
    sizes = "agents per coalition, on average over the coalitions, at least two sizes [default: 10 100 1000 10000]"
    parser.add_argument("--sizes", nargs="+", type=int, default=[10, 100, 1000, 10_000], metavar="INT", help=sizes)
    parser.add_argument(
        "--replicas", type=int, default=16, metavar="INT", help="episodes of each start and size [default: 16]"
    )
    parser.add_argument("--seed", type=int, metavar="INT", help="which replica of the run [default: the first one]")
    parser.add_argument("--json", type=_path, metavar="FILE", help="write the numbers to this file")
    parser.add_argument(
        "--figure", type=_path, metavar="FILE", help="draw the distances to this .png, .pdf or .svg file"
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def _add_equilibria_flags(parser: Parser, kind: GameKind) -> None:
    known = f"game, one of {', '.join(WITH_EQUILIBRIA)}; each has flags of its own [default: {DEFAULT_ENV}]"
    parser.add_argument("--env", default=DEFAULT_ENV, metavar="NAME", help=known)
    if kind.env == DEFAULT_ENV:
        stage = "equilibrium that is played in a casino that has several: best or worst [default: best]"
        parser.add_argument("--stage", default="best", metavar="{best,worst}", help=stage)
    parser.add_argument("--json", type=_path, metavar="FILE", help="write the numbers to this file")
    add_config_flags(parser, f"game ({kind.title})", kind.game_class)


def _add_design_flags(parser: Parser) -> None:
    parser.add_argument("--out", type=_path, metavar="DIR", help="new or empty folder for table, numbers and figures")
    parser.add_argument("--threads", type=int, metavar="INT", help=_THREADS)
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    group = add_config_flags(parser, "design", DesignConfig, skip=["seeds"])
    group.add_argument(
        "--seeds", nargs="+", default=argparse.SUPPRESS, help=f"{DesignConfig.field_help()['seeds']} [default: 0:10]"
    )
    add_config_flags(parser, "game (public goods with migration)", MPGGConfig)
    add_config_flags(parser, "learners (independent Q-learning)", IQLConfig)


def _path(word: str) -> Path:
    if not word:  # Path("") is the working folder, where an unset shell variable would put a run
        raise argparse.ArgumentTypeError("a path must not be empty, got ''")
    return Path(word)


def _kinds_of(words: Sequence[str]) -> tuple[GameKind, str]:
    """The kinds of game and of agent decide which flags there are, so that they are looked for before the rest."""
    first = Parser(add_help=False, allow_abbrev=False)
    first.add_argument("--env", default=argparse.SUPPRESS)
    first.add_argument("--agent", default=argparse.SUPPRESS)
    first.add_argument("--config", type=_path)
    first.add_argument("--resume")
    command = next((word for word in words if not word.startswith("-")), None)
    if command not in ("train", "equilibria"):
        return chosen_kinds({})
    arguments = first.parse_known_args(words)[0]
    if command == "equilibria":
        env = getattr(arguments, "env", DEFAULT_ENV)
        check_choice("env", env, WITH_EQUILIBRIA)
        return chosen_kinds({"env": env})
    if arguments.resume is not None:  # none of these flags goes with it, which is told later
        return chosen_kinds({})
    return _chosen(arguments, _file(arguments))


def _file(arguments: argparse.Namespace) -> Located:
    return NO_FILE if arguments.config is None else read_toml(arguments.config)


def _chosen(arguments: argparse.Namespace, file: Located) -> tuple[GameKind, str]:
    flags = {name: value for name, value in vars(arguments).items() if name in ("env", "agent")}
    with file.naming(("run", name) for name in file.values.get("run", {}) if name not in flags):
        return chosen_kinds({**file.values.get("run", {}), **flags})


def _complaint(word: str, arguments: argparse.Namespace, command: Parser) -> str:
    """What to say of a word that the command does not know."""
    flags = {flag: "" for flag in command._option_string_actions if flag.startswith("--")}
    owners: dict[str, tuple[str, str]] = {}
    if arguments.command == "train":
        owners = _owners(getattr(arguments, "env", DEFAULT_ENV))
        flags = {**dict.fromkeys(owners, ""), **flags}
    if word in command._option_string_actions or word not in owners:
        return f"unknown argument {word}{suggestion(word, list(flags))}"
    if arguments.resume is not None:
        return _not_with_resume(word)
    owner, remedy = owners[word]
    given_agent = getattr(arguments, "agent", None)
    return f"{word} is for {owner}" + (f", got agent {given_agent!r}" if given_agent else f"; add {remedy}")


def _owners(env: str) -> dict[str, tuple[str, str]]:
    """What each flag of any kind is for, and what to add for it; the game of this environment comes first."""
    owners: dict[str, tuple[str, str]] = {}
    for kind in sorted(GAMES.values(), key=lambda kind: kind.env != env):
        own = kind.env == env
        choice = "" if own else f"--env {kind.env} "
        for name, agent in kind.agents.items():
            owner = f"agent {name!r}" if own else f"agent {name!r} of {kind.env}"
            owners = {**_flags_of(agent.config_class, owner, f"{choice}--agent {name}"), **owners}
        for config in () if own else (kind.game_class, kind.run_class):
            owners = {**_flags_of(config, f"env {kind.env!r}", choice.strip()), **owners}
    return owners


def _flags_of(config: type[Config], owner: str, remedy: str) -> dict[str, tuple[str, str]]:
    parser = Parser(add_help=False)
    add_config_flags(parser, owner, config)
    return dict.fromkeys(parser._option_string_actions, (owner, remedy))


def _not_with_resume(flag: str) -> str:
    return f"{flag} cannot be given with --resume: the run keeps its settings"
