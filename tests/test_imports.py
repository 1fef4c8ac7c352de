"""Imports point one way, and importing the package is quick and brings little along."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import mpgg_agents
import mpgg_env
from tests.support import fresh_python

PACKAGES = [Path(package.__file__ or "").parent for package in (mpgg_env, mpgg_agents)]
OUTSIDE = ("examples", "benchmarks", "tests")
# What each part must not import. A game may import itself and the core; the list of games is read from the folder.
GAMES = sorted(path.name for path in (PACKAGES[0] / "games").iterdir() if (path / "__init__.py").exists())
# The MPGG between coalitions of many agents is a limit of the MPGG: it has the same board, and is compared with it.
BUILT_ON = {"mean_field": ("mpgg",)}
ABOVE_THE_GAMES = tuple(
    f"mpgg_env.{path.stem}"
    for path in sorted(PACKAGES[0].iterdir())
    if path.stem not in ("core", "games", "__init__") and (path.suffix == ".py" or (path / "__init__.py").exists())
)
FORBIDDEN = {
    "mpgg_env.core": ("mpgg_env.games", *ABOVE_THE_GAMES),
    "mpgg_env.games": ABOVE_THE_GAMES,
    **{
        f"mpgg_env.games.{game}": tuple(
            f"mpgg_env.games.{other}" for other in GAMES if other not in (game, *BUILT_ON.get(game, ()))
        )
        for game in GAMES
    },
    "mpgg_env": ("mpgg_agents", *OUTSIDE),
    "mpgg_agents": OUTSIDE,
}
HEAVY = ("numba", "torch", "stable_baselines3", "matplotlib", "PIL", "pygame", "pyarrow", "scipy", "mpgg_agents")

TIMED_IMPORT = """
import json, sys, time
start = time.process_time()
import mpgg_env
print(json.dumps([time.process_time() - start, sorted(sys.modules)]))
"""
RENDERING = """
import json, sys, warnings
import mpgg_env
warnings.simplefilter("ignore", mpgg_env.DilemmaWarning)
env = mpgg_env.parallel_env(n_agents=5, grid_shape=(1, 2), render_mode="rgb_array")
env.reset(seed=0)
env.render()
print(json.dumps(sorted(sys.modules)))
"""
MARKET = """
import json, sys
import mpgg_env
env = mpgg_env.market_v0.parallel_env(render_mode="rgb_array")
env.reset(seed=0)
env.render()
print(json.dumps(sorted(sys.modules)))
"""
MEAN_FIELD = """
import json, sys
from importlib import import_module
import mpgg_env
import mpgg_env.mftg
named = sorted(sys.modules)
for name in mpgg_env.mftg.__all__:
    if name != "mpgg_v0":  # the board of the finite game, which it shares, is compiled
        env = import_module(f"mpgg_env.mftg.{name}").parallel_env(render_mode="rgb_array")
        env.reset(seed=0)
        env.render()
        env.step({agent: env.action_space(agent).low for agent in env.agents})
print(json.dumps([named, sorted(sys.modules)]))
"""
WITHOUT_THE_EXTRA = """
import json, sys
for library in ("torch", "stable_baselines3", "supersuit", "tensorboard"):
    sys.modules[library] = None  # importing it raises ModuleNotFoundError, as if it were not installed
import mpgg_agents.cli, mpgg_agents.dqn.config, mpgg_agents.experiments
try:
    import mpgg_env.sb3
except ImportError as error:
    print(json.dumps(str(error)))
"""


def _modules() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for path in sorted(package.rglob("*.py")):
            yield ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__"), path


def _imported(name: str, path: Path) -> set[str]:
    """Every name that a module imports, wherever in it, with relative imports resolved."""
    names: set[str] = set()
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
            source = ".".join(filter(None, (base, node.module)))
            names.update(f"{source}.{alias.name}" for alias in node.names)
    return names


def _within(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")


MODULES = dict(_modules())


def test_the_modules_are_found() -> None:
    assert {"mpgg_env", "mpgg_env.core.philox", "mpgg_env.games.mpgg.rules", "mpgg_agents.iql.config"} <= MODULES.keys()
    assert "mpgg" in GAMES
    assert {"mpgg_env.sb3", "mpgg_env.benchmarl", "mpgg_env.wrappers", "mpgg_env.mpgg_v0"} <= set(ABOVE_THE_GAMES)


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_one_way(name: str) -> None:
    imported = _imported(name, MODULES[name])
    for part, forbidden in FORBIDDEN.items():
        if _within(name, part):
            wrong = [target for target in sorted(imported) if any(_within(target, other) for other in forbidden)]
            assert not wrong, f"{name} belongs to {part} and imports {wrong}"


def test_importing_the_package_is_quick_and_light() -> None:
    # The processor's time, not the clock's, and the best of three, since other programs run on the machine as well.
    runs = [json.loads(fresh_python(TIMED_IMPORT)) for _ in range(3)]
    assert min(seconds for seconds, _ in runs) < 0.5
    loaded = {module.partition(".")[0] for module in runs[0][1]}
    assert "mpgg_env" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_playing_and_drawing_load_no_learning_no_plotting_and_no_window() -> None:
    loaded = {module.partition(".")[0] for module in json.loads(fresh_python(RENDERING))}
    assert {"numba", "PIL"} <= loaded
    assert loaded.isdisjoint({"torch", "stable_baselines3", "matplotlib", "pygame", "tkinter", "mpgg_agents"})


def test_the_market_loads_no_learning_and_no_compiler() -> None:
    loaded = {module.partition(".")[0] for module in json.loads(fresh_python(MARKET))}
    assert "PIL" in loaded
    assert loaded.isdisjoint({"numba", "torch", "stable_baselines3", "matplotlib", "scipy", "mpgg_agents"})


def test_mean_field_games_load_no_learning_and_no_compiler_and_are_loaded_when_asked_for() -> None:
    named, played = json.loads(fresh_python(MEAN_FIELD))
    assert "mpgg_env.mftg.four_rooms_v0" not in named
    assert "mpgg_env.games.mean_field.common.env" not in named
    assert "mpgg_env.games.mean_field.four_rooms.rules" in played
    loaded = {module.partition(".")[0] for module in played}
    assert "PIL" in loaded
    assert loaded.isdisjoint({"numba", "torch", "stable_baselines3", "matplotlib", "scipy", "mpgg_agents"})


def test_without_the_extra_everything_else_works_and_the_error_names_it() -> None:
    assert json.loads(fresh_python(WITHOUT_THE_EXTRA)).endswith('pip install "mpgg-env[deep]"')


def test_every_public_name_can_be_had() -> None:
    for name in mpgg_env.__all__:
        assert getattr(mpgg_env, name) is not None
    with pytest.raises(AttributeError, match=r"^module 'mpgg_env' has no attribute 'nothing'$"):
        mpgg_env.nothing  # noqa: B018 - reading is what fails
