"""Server-sent events, read strictly and whatever way the bytes were cut.

The rules are the WHATWG HTML standard's, section 9.2.6 (event stream interpretation): lines end in LF, CR or CRLF; a
leading byte order mark is dropped; a line starting with a colon is a comment; `data` lines are joined with LF; a blank
line ends the event. Two things differ: only `data` is kept, because the dialects read here name their events inside
the JSON, and an event without its final blank line is still given, because servers forget it.

Works on bytes: no byte of a multi-byte UTF-8 character is a line end, so no character can be cut wrongly.
"""

from __future__ import annotations

DEFAULT_LIMIT = 8 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class EventTooLarge(Exception):
    """One event is over the limit. Its text is the limit in bytes."""


class SseParser:
    """Turns the bytes of one stream into its events' data. `limit_bytes` bounds one event. clean: whether all that came
    so far was whole events."""

    __slots__ = ("_after_cr", "_data", "_held", "_line", "_partial", "_started", "clean", "limit")

    def __init__(self, limit_bytes: int = DEFAULT_LIMIT) -> None:
        self.limit = limit_bytes
        self._started = False
        self._after_cr = False
        self.clean = True
        self._line: list[bytes] = []
        self._partial = 0
        self._data: list[bytes] = []
        self._held = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data of every event that is complete now, in order.

        The usual chunk is one or more whole events of one line each; it is split without looking at its lines.
        """
        if self.clean and chunk.startswith(b"data: ") and chunk.endswith(b"\n\n") and len(chunk) <= self.limit:
            line_ends = chunk.count(b"\n")
            payloads = [chunk[6:-2]] if line_ends == 2 else chunk[6:-2].split(b"\n\ndata: ")
            if line_ends == 2 * len(payloads) and chunk.find(b"\r") < 0:
                self._started = True
                return payloads
        return self._feed_lines(chunk)

    def finish(self) -> list[bytes]:
        """The data of an event whose final blank line never came. The stream is over."""
        done: list[bytes] = []
        if self._line:
            self._take(b"".join(self._line), done)
        if self._data:
            done.append(b"\n".join(self._data))
        return done

    def _feed_lines(self, chunk: bytes) -> list[bytes]:
        if self._after_cr and chunk:
            self._after_cr = False
            if chunk.startswith(b"\n"):
                chunk = chunk[1:]
        if chunk.find(b"\r") >= 0:  # `in` costs an exception (CPython 3.11)
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        done: list[bytes] = []
        lines = chunk.split(b"\n")
        if len(lines) > 1 and self._line:
            lines[0] = b"".join((*self._line, lines[0]))
            self._line.clear()
            self._partial = 0
        for line in lines[:-1]:
            self._take(line, done)
        rest = lines[-1]
        if rest:
            self._line.append(rest)
            self._partial += len(rest)
            self._check(self._partial)
        self.clean = not (self._held or self._partial or self._after_cr)
        return done

    def _take(self, line: bytes, done: list[bytes]) -> None:
        """One whole line: keep its data, or end the event."""
        if not self._started:
            self._started = True
            line = line.removeprefix(_BOM)
        if not line:
            if self._data:
                done.append(self._data[0] if len(self._data) == 1 else b"\n".join(self._data))
                self._data.clear()
                self._held = 0
            return
        self._check(len(line))
        if line.startswith(b"data:"):
            self._data.append(line[6:] if line.startswith(b"data: ") else line[5:])
            self._held += len(line)
        elif line == b"data":
            self._data.append(b"")
            self._held += 4

    def _check(self, more: int) -> None:
        if self._held + more > self.limit:
            raise EventTooLarge(str(self.limit))
