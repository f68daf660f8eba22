"""On which line of a TOML text each key stands. tomllib does not say; people need it to find their mistake.

Reads only text that tomllib has accepted, so it skips values without checking them, and knows nothing of settings.
"""

from __future__ import annotations

import bisect
import tomllib

Place = tuple[str | int, ...]
"""Keys from the top, with the row's number inside an array: ("upstreams", 0, "name")."""


def locate(text: str) -> dict[Place, int]:
    """Line numbers (from 1) of every table, key, array row and inline key of a valid TOML text."""
    scanner = _Scanner(text.replace("\r\n", "\n"))
    scanner.document()
    return scanner.lines


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Place, int] = {}
        self._rows: dict[Place, int] = {}
        self._newlines = [i for i, letter in enumerate(text) if letter == "\n"]

    def document(self) -> None:
        table: Place = ()
        while self._next_statement():
            line = self._line()
            if self.text.startswith("[[", self.at):
                table = self._header(2, line, row=True)
            elif self.text[self.at] == "[":
                table = self._header(1, line, row=False)
            else:
                self._pair(table)

    def _line(self) -> int:
        return bisect.bisect_left(self._newlines, self.at) + 1

    def _header(self, brackets: int, line: int, *, row: bool) -> Place:
        self.at += brackets
        keys = self._keys("]")
        self.at += brackets
        place: Place = ()
        for number, key in enumerate(keys):
            place = (*place, key)
            self.lines.setdefault(place, line)
            if row and number == len(keys) - 1:
                self._rows[place] = self._rows.get(place, -1) + 1
            if place in self._rows:
                place = (*place, self._rows[place])
                self.lines.setdefault(place, line)
        return place

    def _pair(self, table: Place) -> None:
        line = self._line()
        place = table
        for key in self._keys("="):
            place = (*place, key)
            self.lines.setdefault(place, line)
        self.at += 1
        self._value(place)

    def _keys(self, end: str) -> list[str]:
        """Dotted key parts up to `end`; bare, "basic" or 'literal'."""
        parts: list[str] = []
        while True:
            self._blanks(" \t")
            if self.text[self.at] in "\"'":
                parts.append(tomllib.loads(f"key = {self._string()}")["key"])
            else:
                start = self.at
                while self.text[self.at] not in f" \t.{end}":
                    self.at += 1
                parts.append(self.text[start : self.at])
            self._blanks(" \t")
            if self.text[self.at] != ".":
                return parts
            self.at += 1

    def _value(self, place: Place) -> None:
        self._blanks(" \t")
        letter = self.text[self.at]
        if letter in "\"'":
            self._string()
        elif letter == "[":
            self._array(place)
        elif letter == "{":
            self._inline_table(place)
        else:
            while self.at < len(self.text) and self.text[self.at] not in ",]}#\n":
                self.at += 1

    def _array(self, place: Place) -> None:
        self.at += 1
        number = 0
        while self._next_statement() and self.text[self.at] != "]":
            self.lines.setdefault((*place, number), self._line())
            self._value((*place, number))
            number += 1
            self._separator()
        self.at += 1

    def _inline_table(self, place: Place) -> None:
        self.at += 1
        while self._next_statement() and self.text[self.at] != "}":
            self._pair(place)
            self._separator()
        self.at += 1

    def _separator(self) -> None:
        if self._next_statement() and self.text[self.at] == ",":
            self.at += 1

    def _string(self) -> str:
        """Skip a string of any of the four kinds and return it as written."""
        start, quote = self.at, self.text[self.at]
        fence = quote * 3 if self.text.startswith(quote * 3, self.at) else quote
        self.at += len(fence)
        while not self.text.startswith(fence, self.at):
            self.at += 2 if quote == '"' and self.text[self.at] == "\\" else 1
        self.at += len(fence)
        if len(fence) == 3:  # up to two quotes may stand right before the fence
            while self.at < len(self.text) and self.text[self.at] == quote:
                self.at += 1
        return self.text[start : self.at]

    def _next_statement(self) -> bool:
        """Skip blanks, line ends and comments; False at the end of the text."""
        while True:
            self._blanks(" \t\r\n")
            if self.at >= len(self.text):
                return False
            if self.text[self.at] != "#":
                return True
            while self.at < len(self.text) and self.text[self.at] != "\n":
                self.at += 1

    def _blanks(self, letters: str) -> None:
        while self.at < len(self.text) and self.text[self.at] in letters:
            self.at += 1
