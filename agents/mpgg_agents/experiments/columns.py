"""Columns of text for a terminal."""

from collections.abc import Sequence


def aligned(columns: Sequence[Sequence[str]], *, names_left: bool = False) -> list[str]:
    """The lines of columns of equally many cells, flush right; the first column flush left with `names_left`."""
    widths = [max(map(len, column)) for column in columns]
    lines = []
    for row in zip(*columns, strict=True):
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        if names_left:
            cells[0] = row[0].ljust(widths[0])
        lines.append("  ".join(cells).rstrip())
    return lines
