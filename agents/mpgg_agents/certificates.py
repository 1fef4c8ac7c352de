"""The words of `mpgg equilibria` of a mean-field-type game: its reference equilibrium and what that is certified to."""

import json
from pathlib import Path
from typing import Any, Final

from mpgg_agents.experiments import storage
from mpgg_agents.experiments.columns import aligned
from mpgg_env.analysis.mean_field.certificate import Certificate, certified
from mpgg_env.games.mean_field.registry import game_of

_MEANING: Final = """return: discounted, of the reference equilibrium from this start of the testing set
found: what the best response found to the others' replayed actions earns
at most: no response to them earns more, so that nobody gains more than the gap by deviating"""


def page(game: Any, json_file: Path | None) -> str:
    """The page for a terminal; its numbers also go to a JSON file, if one is named.

    Raises:
        TypeError: There is no reference for the game.
        ValueError: The file cannot be written.
    """
    if json_file is not None:
        storage.check_writable(json_file)
    found = certified(game)
    if json_file is not None:
        storage.write_bytes(json_file, (json.dumps(numbers(game, found), indent=2) + "\n").encode())
    head = f"{game_of(game).replace('_', ' ')}, {game.max_cycles} steps, discount {game.discount:g}"
    return "\n".join([head, "", *aligned(_columns(found)), "", *_MEANING.splitlines()])


def numbers(game: Any, found: Certificate) -> dict[str, Any]:
    """All numbers as plain JSON values: arrays (starts, coalitions)."""
    arrays = {name: getattr(found, name).tolist() for name in ("values", "lower", "upper", "exploitability")}
    return {"game": game.to_dict(), **arrays}


def _columns(found: Certificate) -> list[list[str]]:
    starts, coalitions = found.values.shape
    places = [(b, i) for b in range(starts) for i in range(coalitions)]
    numbers = {"return": found.values, "found": found.lower, "at most": found.upper}
    columns = [["start", *(str(b) for b, _ in places)], ["coalition", *(str(i) for _, i in places)]]
    columns += [[name, *(f"{values[place]:.6g}" for place in places)] for name, values in numbers.items()]
    return [*columns, ["gap", *(f"{found.exploitability[place]:.2g}" for place in places)]]
