"""Stop strings in text that is still arriving, for where the engine cannot look for them itself."""

from __future__ import annotations


class StopFinder:
    """Lets text through up to the first stop string; withholds only what may be the beginning of one."""

    def __init__(self, stops: tuple[str, ...]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.found = False

    def feed(self, piece: str, *, last: bool = False) -> str:
        """The text that may go out now; nothing once a stop was found."""
        if self.found or not self._stops:
            return "" if self.found else piece
        text, self._held = self._held + piece, ""
        at = min((i for stop in self._stops if (i := text.find(stop)) >= 0), default=-1)
        if at >= 0:
            self.found = True
            return text[:at]
        keep = 0 if last else beginning(text, self._stops)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]


def beginning(text: str, marks: tuple[str, ...]) -> int:
    """Length of the longest end of `text` with which one of `marks` begins."""
    for size in range(min(len(text), max(map(len, marks)) - 1), 0, -1):
        if any(mark.startswith(text[-size:]) for mark in marks):
            return size
    return 0
