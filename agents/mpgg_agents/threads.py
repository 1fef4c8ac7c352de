"""How many threads numpy and torch use within a training."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from threadpoolctl import threadpool_limits


@contextmanager
def limited_threads(threads: int = 1) -> Iterator[None]:
    """Lets numpy and torch use so many threads.

    Products of this size gain nothing from more than one, the threads of one product would wait busily for those of
    another, and the bits could depend on their number.
    """
    with threadpool_limits(threads):
        try:
            import torch
        except ModuleNotFoundError:  # tables are learned without it
            yield
            return
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)


@contextmanager
def side_by_side(threads: int) -> Iterator[Callable[..., Iterable[Any]]]:
    """A `map` whose calls go on at the same time in so many threads; with one thread the usual `map`."""
    if threads == 1:
        yield map
        return
    with ThreadPoolExecutor(threads) as pool:
        yield pool.map
