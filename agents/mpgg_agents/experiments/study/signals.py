"""Signals of the terminal, kept from processes that this one starts."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Processes started here by this thread never see Ctrl-C, which a terminal sends to all of them."""
    from joblib.externals.loky.backend import resource_tracker as of_loky

    # These come with the first process, and their start would end the block.
    resource_tracker.ensure_running()
    of_loky.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
