"""The names of runs in a store: equal results, equal names; and the version that stands for the rules."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from mpgg_agents.experiments import start
from mpgg_agents.experiments.run import train_run
from mpgg_agents.experiments.settings import Experiment
from mpgg_agents.experiments.study.store import RESULTS_VERSION, Store, key_of, play_cell
from small_study import BASE

# Checksums of the results of `BASE` with two seeds under each version of the rules. Where a change of rules, learner or
# measures gives others, raise RESULTS_VERSION and add a line: else a store would take runs of before for runs of now.
RESULTS = {1: "bede747e0d6100500a821c42aa9a4911a471e93d04a8641a1e7c54850d9ac84a"}


def experiment(**changes: Any) -> Experiment:
    layers = {section: {**BASE.get(section, {}), **changes.get(section, {})} for section in ("game", "agent", "run")}
    return Experiment.build(layers)


def test_a_key_is_a_checksum_of_all_settings_that_matter() -> None:
    """By the words of the page: BLAKE2b of version and settings as JSON without blanks, keys sorted."""
    settings = experiment().to_dict()
    for name in ("preset", "figures", "checkpoint_every"):
        del settings["run"][name]
    text = json.dumps({"results": RESULTS_VERSION, **settings}, sort_keys=True, separators=(",", ":"))
    assert key_of(experiment()) == hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@pytest.mark.parametrize(
    ("section", "field", "value"),
    [("game", "boundary", "wall"), ("agent", "gamma", 0.5), ("run", "rounds", 80), ("run", "seeds", [5, 6])],
)
def test_what_changes_results_changes_the_key(section: str, field: str, value: Any) -> None:
    assert key_of(experiment(**{section: {field: value}})) != key_of(experiment())


@pytest.mark.parametrize(("field", "value"), [("figures", False), ("checkpoint_every", 20)])
def test_what_changes_no_result_does_not(field: str, value: Any) -> None:
    assert key_of(experiment(run={field: value})) == key_of(experiment())


def test_numbers_that_are_equal_are_the_same_setting() -> None:
    assert key_of(experiment(agent={"gamma": 0})) == key_of(experiment(agent={"gamma": 0.0}))


def test_the_version_of_the_rules_stands_for_their_results(tmp_path: Path) -> None:
    path = train_run(experiment(run={"seeds": [5, 6], "figures": False}), tmp_path / "run").path
    checksum = json.loads((path / "manifest.json").read_text())["results_checksum"]
    assert checksum == RESULTS[RESULTS_VERSION]


def test_a_cell_is_played_once_and_stops_without_its_token(tmp_path: Path) -> None:
    store, token = Store(tmp_path / "store"), tmp_path / "token"
    settings = experiment(run={"figures": False}).to_dict()
    key = key_of(experiment())
    assert store.status(key) == "absent"
    assert play_cell(store.path, settings, 1, token).end == "stopped"
    assert store.status(key) == "absent"
    token.touch()
    end = play_cell(store.path, settings, 1, token)
    assert (end.key, end.end, end.words) == (key, "complete", "")
    assert store.place(key) == tmp_path / "store" / key[:2] / key
    token.unlink()
    assert play_cell(store.path, settings, 1, token).end == "complete"  # it is there


def test_a_damaged_manifest_is_told(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    place = store.place(key_of(experiment()))
    place.mkdir(parents=True)
    (place / "manifest.json").write_text("{")
    assert store.status(place.name) == "damaged"
    (tmp_path / "token").touch()
    end = play_cell(store.path, experiment().to_dict(), 1, tmp_path / "token")
    assert end.end == "failed"
    assert "manifest.json is damaged: it is not valid JSON" in end.words


def test_a_start_is_not_taken_for_an_abandoned_one_by_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, made = start._temporary_folder, list[Path]()

    def seen_at_once(path: Path) -> Path:
        made.append(make(path))
        if len(made) == 1:
            start.remove_abandoned_folders(path)  # by another process, at the same start
            assert not made[0].exists()
        return made[-1]

    monkeypatch.setattr(start, "_temporary_folder", seen_at_once)
    train_run(experiment(run={"figures": False}), tmp_path / "run")
    assert len(made) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
