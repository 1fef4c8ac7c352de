"""Whole arrays of random numbers by address."""

import numpy as np


def generator(seed: int, purpose: int, number: int = 0) -> np.random.Generator:
    """The draws of one purpose and number under a seed."""
    key = np.array([seed, purpose], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, number, 0]))
