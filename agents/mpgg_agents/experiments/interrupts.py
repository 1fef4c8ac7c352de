"""SIGINT and SIGTERM as a request to stop at the next safe point."""

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Final, Self

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Within this context the first SIGINT or SIGTERM is only noted; the second one acts as usual.

    Outside the main thread, where Python installs no handlers, signals act as usual from the start.

    Attributes:
        received: Number of the signal, None before it.
    """

    def __init__(self, notify: Callable[[str], None]) -> None:
        self.received: int | None = None
        self._notify = notify
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        self._restore()
        self._notify(f"{signal.Signals(number).name} received: stopping at the next safe point (again to stop at once)")

    def _restore(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}
