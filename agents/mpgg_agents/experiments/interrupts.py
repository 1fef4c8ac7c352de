"""Requests to stop at the next safe point: SIGINT and SIGTERM, or the word of another process."""

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Final, Protocol, Self

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class StopRequest(Protocol):
    """Whether to stop at the next safe point."""

    @property
    def received(self) -> int | None:
        """Number of the signal that asks for it, None without one."""


class StopFile:
    """A request by another process, which takes a file away: that works on a full disk, and between machines.

    Args:
        token: The file that is there as long as the work may go on.
    """

    def __init__(self, token: Path) -> None:
        self._token = token

    @property
    def received(self) -> int | None:
        """As if SIGINT had come, once the file is gone."""
        return None if self._token.exists() else signal.SIGINT


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
