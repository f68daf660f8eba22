"""How a long fetch tells its listener how far it is. Knows no terminal."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told by the fetching thread. All amounts in bytes; the pieces of one model count as one amount."""

    def start(self, total: int, done: int = 0) -> None:
        """`total` bytes are to come, `done` of them are here from an earlier try. Called again for a new source."""
        ...

    def advance(self, n: int) -> None:
        """`n` more bytes are here; negative when a server made us begin again."""
        ...

    def note(self, en: str, zh: str) -> None:
        """Something worth a line: a source that failed, a wait for another process, a conversion."""
        ...

    def done(self) -> None:
        """The model is here and verified."""
        ...
