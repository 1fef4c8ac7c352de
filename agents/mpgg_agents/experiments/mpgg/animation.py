"""One replica as an animated GIF: the board over the windows of the training, then over the greedy rounds."""

from typing import BinaryIO, Final

import numpy as np
from PIL import Image

from mpgg_agents.experiments.mpgg.figure_data import FigureData
from mpgg_agents.experiments.mpgg.measures import Phase, group_windows
from mpgg_env.games.mpgg.render import board_frame

TRAIN_FRAMES: Final = 60
GREEDY_FRAMES: Final = 10
FRAME_MILLISECONDS: Final = 120
LAST_MILLISECONDS: Final = 1500


def write_animation(data: FigureData, file: BinaryIO) -> None:
    """Writes the GIF of the first seed."""
    frames = [*_frames(data, "train", TRAIN_FRAMES), *_frames(data, "greedy", GREEDY_FRAMES)]
    palette = frames[len(frames) // 2].quantize(128)  # one for all frames, so that colours do not flicker
    images = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    durations = [FRAME_MILLISECONDS] * (len(images) - 1) + [LAST_MILLISECONDS]
    images[0].save(file, "GIF", save_all=True, append_images=images[1:], duration=durations, loop=0, optimize=False)


def _frames(data: FigureData, phase: Phase, count: int) -> list[Image.Image]:
    lengths = data.lengths(phase)
    if not len(lengths):
        return []
    size = -(-len(lengths) // count)
    series = data.casinos[phase]
    occupancy = group_windows(series["occupancy"][:1], lengths, size)[0]
    cooperators = group_windows(series["cooperators"][:1], lengths, size)[0]
    starts = series["round"][::size]
    ends = np.append(starts[1:], int(lengths.sum()))
    return [
        Image.fromarray(board_frame(data.config, occupancy[w], cooperators[w], _title(phase, starts[w], ends[w])))
        for w in range(len(starts))
    ]


def _title(phase: Phase, start: int, end: int) -> str:
    return f"{'greedy ' if phase == 'greedy' else ''}rounds {start:,} to {end - 1:,}"
