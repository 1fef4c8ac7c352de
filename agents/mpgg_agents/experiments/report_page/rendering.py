"""A page as HTML. All text is escaped, and the page's policy lets no script run but its own, known by its hash."""

import base64
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from importlib.resources import files
from typing import Any, Final

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from mpgg_agents.experiments.report_page.content import Board, Lattice, Page, Picture, Scene
from mpgg_agents.experiments.report_page.text import number_text, setting_text

SCRIPTS: Final = ("tables.js", "board.js", "downloads.js")
STYLE: Final = "page.css"
_TEMPLATES: Final = "templates"
_MEDIA: Final = {"svg": "image/svg+xml", "png": "image/png"}
# JSON stands in a script element, where these could end it or begin a comment. Other letters are ASCII anyway.
_IN_SCRIPT: Final = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&"}


def page_bytes(page: Page) -> bytes:
    """The page; equal pages give equal bytes."""
    script, style = "\n".join(map(_source, SCRIPTS)), _source(STYLE)
    parts = {"policy": _policy(script, style), "script": script, "style": style, "content": json_text(_content(page))}
    text = _environment().get_template("page.html").render(page=page, **parts)
    return text.encode("utf-8", "xmlcharrefreplace")  # half a pair of surrogates has no bytes


def json_text(value: Any) -> str:
    """JSON that can stand in a script element."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).translate(_IN_SCRIPT)


def _environment() -> Environment:
    loader = PackageLoader(__package__, _TEMPLATES)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(number=number_text, setting=setting_text, label=str, uri=_uri)
    environment.tests["numeric"] = _is_numeric
    return environment


def _source(name: str) -> str:
    return (files(__package__) / _TEMPLATES / name).read_text(encoding="utf-8")


def _policy(script: str, style: str) -> str:
    """What the browser may run and load: this script and style, and images inside the page."""
    return (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data:; "
        f"base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _uri(picture: Picture) -> str:
    media = _MEDIA[picture.file.rpartition(".")[2]]
    return f"data:{media};base64,{base64.b64encode(picture.content).decode()}"


def _is_numeric(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _content(page: Page) -> dict[str, Any]:
    """What the scripts read, and what is offered as a download."""
    return {
        "name": page.name,
        "title": page.title,
        "subtitle": page.subtitle,
        "description": list(page.description),
        "facts": {fact.name: fact.value for fact in page.facts},
        "settings": {
            group.title: {setting.name: setting.value for setting in group.settings} for group in page.settings
        },
        "tables": [_plain(table) for table in page.tables],
        "board": None if page.board is None else _board(page.board),
    }


def _board(board: Board) -> dict[str, Any]:
    """A board whose scenes name their lattices by number, since most scenes of a study share one."""
    lattices: list[Any] = []
    scenes = []
    for scene in board.scenes:
        lattice = _lattice(scene.lattice)
        if lattice not in lattices:
            lattices.append(lattice)
        scenes.append({**_scene(scene), "lattice": lattices.index(lattice)})
    quantities = [_plain(quantity) for quantity in board.quantities]
    return {"time": board.time, "quantities": quantities, "lattices": lattices, "scenes": scenes}


def _lattice(lattice: Lattice) -> dict[str, Any]:
    marks = {str(place): mark for place, mark in lattice.marks.items()}
    terms = _plain(lattice.terms)
    return {"shape": list(lattice.shape), "upward": lattice.upward, "terms": terms, "marks": marks}


def _scene(scene: Scene) -> dict[str, Any]:
    return {
        "cell": scene.cell,
        "phase": scene.phase,
        "seeds": list(scene.seeds),
        "pooled": scene.pooled,
        "starts": scene.starts.tolist(),
        "ends": scene.ends.tolist(),
        "layers": {name: _encoded(values) for name, values in scene.layers.items()},
    }


def _encoded(values: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Numbers as base64 of their little-endian bytes, (K, F, M) in order."""
    little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    return {"type": f"{little.dtype.kind}{little.itemsize}", "base64": base64.b64encode(little.tobytes()).decode()}


def _plain(value: Any) -> Any:
    """A value as JSON has it: NaN is null, and infinity a word."""
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(part) for part in value]
    return value
