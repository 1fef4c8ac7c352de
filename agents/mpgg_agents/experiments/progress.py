"""How far a run is: a bar on a terminal, a line now and then in a log, nothing when asked for quiet."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal, Protocol

LINE_SECONDS: Final = 10.0

Display = Literal["bar", "lines", "none"]


class Progress(Protocol):
    """Shows the progress of a run on stderr."""

    def update(self, done: int, words: str) -> None:
        """Tells that so many more rounds are done, and how it goes."""

    def say(self, message: str) -> None:
        """Writes a line without spoiling the bar."""

    def close(self) -> None:
        """Leaves the last state on the screen."""


def make_progress(display: Display, total: int, done: int, unit: str = "rounds") -> Progress:
    """The display of work of `total` rounds, or other units, of which `done` are done."""
    kinds: dict[Display, Callable[[int, int, str], Progress]] = {"bar": _Bar, "lines": _Lines, "none": _Silence}
    return kinds[display](total, done, unit)


def choose_display(quiet: bool) -> Display:
    """A bar for people, lines for logs."""
    if quiet:
        return "none"
    return "bar" if sys.stderr.isatty() else "lines"


@contextmanager
def shown_share(display: Display) -> Iterator[Callable[[float], None] | None]:
    """Where to tell the share of the work that is done: a bar on a terminal, None elsewhere."""
    if display != "bar":
        yield None
        return
    from tqdm import tqdm

    with tqdm(total=100, unit="%", dynamic_ncols=True, file=sys.stderr, leave=False, mininterval=0) as bar:

        def tell(share: float) -> None:
            if (more := int(100 * share) - bar.n) > 0:
                bar.update(more)

        yield tell


def _duration(seconds: float) -> str:
    """A length of time in few letters, such as 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class _Silence:
    def __init__(self, total: int, done: int, unit: str) -> None:
        """Nothing is shown, whatever the arguments are."""

    def update(self, done: int, words: str) -> None:
        pass

    def say(self, message: str) -> None:
        pass

    def close(self) -> None:
        pass


class _Bar:
    def __init__(self, total: int, done: int, unit: str) -> None:
        from tqdm import tqdm

        self._bar: Any = tqdm(
            total=total, initial=done, unit=f" {unit}", dynamic_ncols=True, smoothing=0.2, file=sys.stderr
        )

    def update(self, done: int, words: str) -> None:
        self._bar.set_postfix_str(words, refresh=False)
        self._bar.update(done)

    def say(self, message: str) -> None:
        self._bar.write(f"mpgg: {message}", file=sys.stderr)

    def close(self) -> None:
        self._bar.refresh()
        self._bar.close()


class _Lines:
    def __init__(self, total: int, done: int, unit: str) -> None:
        self._total, self._done, self._unit = total, done, unit
        self._since, self._done_then = time.monotonic(), done
        self._warm = False  # the time before the first line has the starts and compilations in it

    def update(self, done: int, words: str) -> None:
        self._done += done
        elapsed = time.monotonic() - self._since
        if elapsed < LINE_SECONDS and self._done < self._total:
            return
        speed = (self._done - self._done_then) / max(elapsed, 1e-9)
        rate = f"{speed:,.0f}" if speed >= 10 else f"{speed:.2g}"
        known = self._warm and 0 < self._done < self._total and speed > 0
        left = f", {_duration((self._total - self._done) / speed)} left" if known else ""
        self.say(f"{self._done:,} of {self._total:,} {self._unit}, {rate} {self._unit}/s{left}, {words}")
        self._since, self._done_then, self._warm = time.monotonic(), self._done, True

    def say(self, message: str) -> None:
        sys.stderr.write(f"mpgg: {message}\n")
        sys.stderr.flush()

    def close(self) -> None:
        pass
