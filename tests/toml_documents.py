"""Random TOML documents whose writer knows on which line it has written each key."""

from dataclasses import dataclass, field

from hypothesis import strategies as st

# Keys as they are written and as they are read, with a number that makes them unique.
KEYS = [
    ("k{}", "k{}"),
    ("-_{}", "-_{}"),
    ("{}", "{}"),
    ('"k{} = [#\\"] \\u00e9"', 'k{} = [#"] é'),
    ("'k{} ]{{\"=\\'", 'k{} ]{{"=\\'),
]
SCALARS = [
    *("1", "-2.5e3", "true", "nan", "0xFF", "1979-05-27 07:32:00", "1979-05-27T07:32:00Z", "07:32:00"),
    *('""', "''", '"a # [b] = {c}"', "'it\" ['", '"\\"] \\\\"', "'\\'", '""', "'#'"),
]
# They run over as many lines as they look, and end in quotes or backslashes where TOML allows it.
LONG_STRINGS = [
    *('""""""', '"""one"""', '"""\n"""', '"""\n[a]\nb = 1 # no\n"""', '"""a \\\n   b"""', '"""\n\\""" still"""'),
    *('"""\nquotes"""""', "''''''", "'''\n\n'''", "'''\nquote''''", "'''it''s\\'''", "'''\n\"\"\"\n[[x]]\n'''"),
]
COMMENTS = ["# [a]", '# """', "# '''", "# b = [", "#", "# } ] \" '"]


@dataclass
class Table:
    """A table that headers can go on from: its keys as written, its path, and how many elements it has as an array."""

    written: str
    where: tuple
    array: bool = False
    elements: int = 0
    explicit: bool = True
    children: list["Table"] = field(default_factory=list)

    def place(self) -> tuple:
        return (*self.where, self.elements - 1) if self.array else self.where

    def below(self) -> list["Table"]:
        return [self, *(table for child in self.children for table in child.below())]


class Writer:
    """Writes a document from draws, and the line of every path into `lines`."""

    def __init__(self, draw):
        self.draw, self.text, self.lines, self.count = draw, "", {}, 0

    def document(self) -> None:
        root = Table("", ())
        self.body(())
        for _ in range(self.number(0, 4)):
            self.header(root)

    def header(self, root: Table) -> None:
        known = [table for table in root.below() if table is not root]
        again = [table for table in known if table.array or not table.explicit]
        if again and self.draw(st.booleans()):
            table = self.pick(again)
        else:
            table = self.child(self.pick([root, *known]), array=self.draw(st.booleans()))
            if not table.array and self.draw(st.booleans()):  # [a.b] alone, where [a] is implied and may come later
                table.explicit = False
                self.lines[table.where] = self.line
                table = self.child(table, array=self.draw(st.booleans()))
        self.open(table)
        self.body(table.place())

    def child(self, parent: Table, array: bool) -> Table:
        written, key = self.key()
        dot = self.pick([".", " . "]) if parent.written else ""
        table = Table(f"{parent.written}{dot}{written}", (*parent.place(), key), array)
        parent.children.append(table)
        return table

    def open(self, table: Table) -> None:
        if table.array:
            table.elements += 1
            table.children = []  # those of the element before, which is closed
            self.lines.setdefault(table.where, self.line)
        table.explicit = True
        self.lines[table.place()] = self.line
        name = self.pick([table.written, f" {table.written}\t"])
        self.put(f"[[{name}]]" if table.array else f"[{name}]")
        self.end()

    def body(self, table: tuple) -> None:
        stems = [("", ())]  # of dotted keys, which may go on from each other
        for _ in range(self.number(0, 3)):
            self.put(self.pick(["", "  ", "\t"]))
            self.pair(table, stems, depth=0)
            self.end()

    def pair(self, table: tuple, stems: list, depth: int) -> None:
        written, keys = self.pick(stems)
        for last in (False,) * self.number(0, 2) + (True,):
            text, key = self.key()
            written, keys = f"{written}{self.pick(['.', ' . ']) if keys else ''}{text}", (*keys, key)
            for length in range(1, len(keys) + 1):
                self.lines.setdefault((*table, *keys[:length]), self.line)
            if not last:
                stems.append((written, keys))
        self.put(written + self.pick(["=", " = ", "\t=  "]))
        self.value((*table, *keys), depth)

    def value(self, where: tuple, depth: int) -> None:
        kind = self.pick(["scalar", "long"] + (["array", "table"] if depth < 3 else []))
        if kind == "array":
            self.array(where, depth)
        elif kind == "table":
            self.inline_table(where, depth)
        else:
            self.put(self.pick(SCALARS if kind == "scalar" else LONG_STRINGS))

    def array(self, where: tuple, depth: int) -> None:
        size = self.number(0, 3)
        self.put("[")
        for index in range(size):
            self.gap()
            self.lines[*where, index] = self.line
            self.value((*where, index), depth + 1)
            self.gap()
            self.put("," if index < size - 1 else self.pick(["", ","]))
        self.gap()
        self.put("]")

    def inline_table(self, where: tuple, depth: int) -> None:
        size = self.number(0, 3)
        stems = [("", ())]
        self.put("{ ")
        for index in range(size):
            self.pair(where, stems, depth + 1)
            self.put(" , " if index < size - 1 else "")
        self.put("}")

    def gap(self) -> None:
        """What may stand between the elements of an array."""
        self.put(self.pick(["", " ", "\n", "\n\n  ", f" {self.pick(COMMENTS)}\n"]))

    def end(self) -> None:
        """The end of a statement, and what may stand between two."""
        self.put(self.pick(["\n", "\n\n", f" {self.pick(COMMENTS)}\n", f"\n  {self.pick(COMMENTS)}\n"]))

    def key(self) -> tuple[str, str]:
        self.count += 1
        written, read = self.pick(KEYS)
        return written.format(self.count), read.format(self.count)

    @property
    def line(self) -> int:
        return self.text.count("\n") + 1

    def put(self, text: str) -> None:
        self.text += text

    def pick(self, choices: list):
        return self.draw(st.sampled_from(choices))

    def number(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))


@st.composite
def toml_documents(draw) -> tuple[str, dict]:
    """A text, and the line of every path of keys in it."""
    writer = Writer(draw)
    writer.document()
    return writer.text, writer.lines
