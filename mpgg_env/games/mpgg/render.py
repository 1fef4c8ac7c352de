"""Drawing: a function of the configuration and the state that returns a frame."""

import numpy as np

from mpgg_env.core.types import FloatArray
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.state import MPGGState


def rgb_frame(config: MPGGConfig, state: MPGGState, replica: int = 0):
    return np.zeros((100, 100, 3), np.uint8)


def ansi_frame(config: MPGGConfig, state: MPGGState, replica: int = 0) -> str:
    return ""
