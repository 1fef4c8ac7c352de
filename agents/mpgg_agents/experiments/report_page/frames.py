"""How much of a board over time goes into a page: all windows where they fit, else means over several, or fewer."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from mpgg_agents.experiments.report_page.content import Scene

# In base64 and with the figures of a default run this makes a page of less than 5 MB.
MAX_BYTES: Final = 2_250_000
FEWEST_FRAMES: Final = 25  # fewer are no course any more; then the seeds are added up instead


def fitted(scenes: Sequence[Scene], limit: int = MAX_BYTES) -> tuple[list[Scene], list[str]]:
    """The scenes in at most so many bytes, and in words what was done to them.

    Args:
        scenes: The scenes, their layers sums of whole numbers.
        limit: Bytes of all their layers.

    Returns:
        The scenes: whole, or with several frames in one, or besides with their seeds added up. None if they do not fit
        even then; notes that say so.
    """
    if not scenes:
        return [], []
    longest = max(len(scene.starts) for scene in scenes)
    for pool in (False, True):
        seeds = [pooled(scene) for scene in scenes] if pool else list(scenes)
        fewest = FEWEST_FRAMES if not pool else 1
        numbers = sum(values.size for scene in seeds for values in scene.layers.values())
        for size in range(max(1, numbers // limit), max(1, longest // fewest) + 1):
            grouped = [grouped_frames(scene, size) for scene in seeds]
            if sum(map(_bytes, grouped)) <= limit:
                return grouped, _notes(size, pool and any(scene.pooled == 1 for scene in scenes))
    return [], ["The board is too large to be shown here over time; its numbers are in the files named below."]


def pooled(scene: Scene) -> Scene:
    """A scene with its seeds added up."""
    count = len(scene.seeds)
    if count == 1:
        return scene
    layers = {name: values.sum(axis=0, keepdims=True) for name, values in scene.layers.items()}
    return replace(scene, seeds=[f"mean over {count} seeds"], pooled=count * scene.pooled, layers=layers)


def grouped_frames(scene: Scene, size: int) -> Scene:
    """A scene with `size` frames made one, the last one perhaps of fewer."""
    firsts = np.arange(0, len(scene.starts), size)
    lasts = np.minimum(firsts + size, len(scene.starts)) - 1
    layers = {name: _smallest(np.add.reduceat(values, firsts, axis=1)) for name, values in scene.layers.items()}
    return replace(scene, starts=scene.starts[firsts], ends=scene.ends[lasts], layers=layers)


def _smallest(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Whole numbers in the smallest type that holds them."""
    highest = int(values.max(initial=0))
    return values.astype(np.min_scalar_type(highest))


def _bytes(scene: Scene) -> int:
    return sum(values.nbytes for values in scene.layers.values())


def _notes(size: int, pools: bool) -> list[str]:
    notes = []
    if size > 1:
        notes.append(f"To keep the page small, {size} successive windows are shown as one, by their mean.")
    if pools:
        notes.append("To keep the page small, the means over the seeds are shown, not single seeds.")
    return notes
