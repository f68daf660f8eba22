"""Looking back: list, find, show, sum. Reads the index, and from the journal what the keeper has not indexed yet, so
that an acknowledged turn is found at once, with or without a keeper running. Blocking; call it from a thread.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from heapq import nlargest
from pathlib import Path
from typing import Any

import msgspec

from zhongshu.core.records import Record
from zhongshu.ledger import queries
from zhongshu.ledger.payloads import Happening, Kept
from zhongshu.ledger.reader import Entry, Places, Progress, frames_after
from zhongshu.ledger.rows import (
    EventFilter,
    Filter,
    TurnRow,
    conditions,
    event_values,
    group_key,
    keeps,
    row_values,
)
from zhongshu.ledger.seal import Opener, Texts
from zhongshu.ledger.segments import Mark, streams
from zhongshu.ledger.settings import LedgerSettings

_PAGE = 500


class Shown(msgspec.Struct, frozen=True):
    """One turn, whole. texts: None when not asked for, not kept, or erased (`text_state` says which)."""

    row: TurnRow
    record: Record
    text_state: str
    texts: Texts | None = None


class Sums(msgspec.Struct, frozen=True):
    """Totals of a group of turns in one currency. took_us: summed; divide by turns for the mean. saved_*: by answers
    given before; queued_us: waited for a free place."""

    group: tuple[str, ...]
    currency: str
    turns: int
    failed: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    thinking_tokens: int
    cost_nano: int
    took_us: int
    slowest_us: int
    saved_nano: int
    saved_us: int
    queued_us: int


class Spent(msgspec.Struct, frozen=True):
    """Money that one user of a key spent on one model on one day (UTC), in billionths."""

    tenant: str
    key_id: str
    user: str
    asked: str
    day: str
    currency: str
    cost_nano: int


class Index:
    """The query side of the ledger of one home."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._path = home / "index.db"
        self._opener: Opener | None = None
        self._places = Places(home)

    def tail(self, limit: int = 20, wanted: Filter | None = None) -> list[TurnRow]:
        """The newest turns, oldest of them first."""
        return list(reversed(self.find(wanted or Filter(), limit)))

    def find(self, wanted: Filter, limit: int = 100, progress: Progress | None = None) -> list[TurnRow]:
        """Turns by filter, newest first. progress: called with 1 for each text looked into."""
        with self._snapshot() as (db, cursors):
            fresh = [row for row in self._fresh(cursors) if keeps(wanted, row)]
            if wanted.text is None:
                where, values = _where(wanted)
                old = self._rows(db, queries.NEWEST.format(where=where), [*values, limit])
                return nlargest(limit, [*fresh, *old], key=lambda row: row.at_ns)
            fresh.sort(key=lambda row: -row.at_ns)
            return self._find_text(db, wanted, fresh, limit, progress)

    def count(self, wanted: Filter) -> int:
        """How many turns pass the filter, `text` not looked at."""
        with self._snapshot() as (db, cursors):
            where, values = _where(wanted)
            old = db.execute(queries.COUNT.format(where=where), values).fetchone()[0] if db else 0
            return old + sum(keeps(wanted, row) for row in self._fresh(cursors))

    def show(self, trace: str, *, text: bool = False) -> Shown | None:
        """One turn by its trace id; None when there is none. Raises ValueError when its text does not open."""
        rows = self.find(Filter(trace=trace), limit=1)
        return self.whole(rows[0], text=text) if rows else None

    def whole(self, row: TurnRow, *, text: bool = False) -> Shown:
        """A listed turn with its record from the journal. Raises LookupError when the journal no longer holds it."""
        content = self._places.at(row.where).content
        if not isinstance(content, Kept) or content.record.trace != row.trace:
            raise LookupError(f"frame {row.frame} of {row.stream}/{row.segment:08d} is not the turn it was")
        texts = self._open(content) if text else None
        return Shown(row, content.record, _text_state(content, text, texts), texts)

    def each(self, wanted: Filter) -> Iterator[TurnRow]:
        """Every turn by filter, oldest first as indexed, then what is not indexed yet. For export."""
        with self._snapshot() as (db, cursors):
            fresh = [row for row in self._fresh(cursors) if keeps(wanted, row)]
            where, values = _where(wanted)
            for row in self._iterate(db, queries.OLDEST.format(where=where), values):
                if wanted.text is None or self._holds(row, wanted.text):
                    yield row
            for row in sorted(fresh, key=lambda row: row.at_ns):
                if wanted.text is None or self._holds(row, wanted.text):
                    yield row

    def stats(self, groups: tuple[str, ...], wanted: Filter | None = None) -> list[Sums]:
        """Totals by any of queries.GROUPS. Raises KeyError for an unknown group."""
        wanted = wanted or Filter()
        with self._snapshot() as (db, cursors):
            where, values = _where(wanted)
            columns = ", ".join(queries.GROUPS[name] for name in groups) or "''"
            old = db.execute(queries.SUMS.format(groups=columns, where=where), values).fetchall() if db else []
            width = max(1, len(groups))
            totals: dict[tuple[str, ...], list[int]] = {
                (*row[: width if groups else 0], row[width]): list(row[width + 1 :]) for row in old
            }
            for row in self._fresh(cursors):
                if keeps(wanted, row):
                    _add(totals.setdefault((*group_key(row, groups), row.currency), [0] * 12), row)
        return [Sums(key[:-1], key[-1], *sums) for key, sums in sorted(totals.items())]

    def spent(self, stream: str, since_ns: int) -> tuple[Spent, ...]:
        """What the turns that one writer recorded cost, of those that arrived since a time; shadows are not charged.
        For reconciling its budgets after a crash: sums, so that a worker of many days costs no more than one."""
        totals: dict[tuple[str, ...], int] = {}
        with self._snapshot() as (db, cursors):
            for *name, cost in db.execute(queries.SPENT, (stream, since_ns)) if db else ():
                totals[tuple(name)] = cost
            for row in self._fresh({stream: cursors.get(stream)}, only=stream):
                if row.at_ns >= since_ns and not row.shadow_of and row.cost_nano:
                    (day,) = group_key(row, ("day",))
                    name = (row.tenant, row.key_id, row.user_name, row.asked, day, row.currency)
                    totals[name] = totals.get(name, 0) + row.cost_nano
        return tuple(Spent(*name, cost_nano=cost) for name, cost in sorted(totals.items()))

    def events(self, wanted: EventFilter | None = None, limit: int = 1000) -> list[Entry]:
        """What was done to the ledger and the installation (erasures, texts shown, changes), newest first."""
        asked = msgspec.structs.asdict(wanted or EventFilter())
        given = {name: value for name, value in asked.items() if value is not None}
        clause = " AND ".join(queries.EVENT_FILTERS[name] for name in given)
        sql = queries.EVENTS.format(where=f" WHERE {clause}" if clause else "")
        with self._snapshot() as (db, cursors):
            found = [_entry(row) for row in db.execute(sql, [*given.values(), limit])] if db else []
            for stream in streams(self._home):
                for mark, frame, _ in frames_after(self._home, stream, cursors.get(stream)):
                    if (values := event_values(stream, mark.segment, frame)) and _passes(given, values):
                        found.append(_entry(values))
        return nlargest(limit, found, key=lambda entry: entry.written_ns)

    def follow(self) -> Iterator[TurnRow | None]:
        """New turns from now on; None whenever there is nothing new just now (the caller waits then)."""
        marks = {stream: self._end(stream) for stream in streams(self._home)}
        while True:
            for stream in streams(self._home):
                for mark, frame, fields in frames_after(self._home, stream, marks.get(stream)):
                    marks[stream] = mark
                    if values := row_values(stream, mark.segment, frame, fields):
                        yield TurnRow(*values)
            yield None

    def _end(self, stream: str) -> Mark | None:
        with self._snapshot() as (_, cursors):
            end = cursors.get(stream)
        for mark, _, _ in frames_after(self._home, stream, end):
            end = mark
        return end

    def _fresh(self, cursors: dict[str, Mark | None], only: str | None = None) -> Iterator[TurnRow]:
        for stream in streams(self._home) if only is None else [only]:
            for mark, frame, fields in frames_after(self._home, stream, cursors.get(stream)):
                if values := row_values(stream, mark.segment, frame, fields):
                    yield TurnRow(*values)

    @contextmanager
    def _snapshot(self) -> Generator[tuple[sqlite3.Connection | None, dict[str, Mark | None]]]:
        """The index as of one moment, and where it ends; without an index, the journal is read from its beginning."""
        if not self._path.exists():
            yield None, {}
            return
        db = sqlite3.connect(self._path, timeout=10, isolation_level=None)
        try:
            cursors = _begun(db)
            yield (None, {}) if cursors is None else (db, cursors)
        finally:
            db.close()

    def _rows(self, db: sqlite3.Connection | None, sql: str, values: list[Any]) -> list[TurnRow]:
        return list(self._iterate(db, sql, values))

    def _iterate(self, db: sqlite3.Connection | None, sql: str, values: list[Any]) -> Iterator[TurnRow]:
        if db is not None:
            for row in db.execute(sql, values):
                yield TurnRow(*row)

    def _find_text(
        self,
        db: sqlite3.Connection | None,
        wanted: Filter,
        fresh: list[TurnRow],
        limit: int,
        progress: Progress | None,
    ) -> list[TurnRow]:
        where, values = _where(wanted)
        found: list[TurnRow] = []
        old = self._iterate(db, queries.NEWEST.format(where=where), [*values, -1])
        for candidates in (fresh, old):
            for row in candidates:
                if progress:
                    progress(1)
                if self._holds(row, wanted.text or ""):
                    found.append(row)
                    if len(found) == limit:
                        return found
        return found

    def _holds(self, row: TurnRow, text: str) -> bool:
        try:
            content = self._places.at(row.where).content
            texts = self._open(content) if isinstance(content, Kept) else None
        except (LookupError, ValueError):
            return False
        return texts is not None and (text in _plain(texts.prompt) or text in _plain(texts.answer))

    def _open(self, kept: Kept) -> Texts | None:
        if self._opener is None:
            self._opener = Opener(self._home)
        return self._opener.open(kept.sealed, kept.record.trace)


def _begun(db: sqlite3.Connection) -> dict[str, Mark | None] | None:
    """Begin to read; where the index ends. None when it cannot be used: the keeper makes it anew."""
    try:
        db.execute("PRAGMA query_only=ON")
        db.execute("BEGIN")
        if db.execute("PRAGMA user_version").fetchone()[0] != queries.VERSION:
            return None
        return {row[0]: Mark(*row[1:]) for row in db.execute(queries.CURSORS)}
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        return None


def _where(wanted: Filter) -> tuple[str, list[Any]]:
    asked = conditions(wanted)
    clause = " AND ".join(queries.FILTERS[name] for name in asked)
    return (f" WHERE {clause}" if clause else ""), list(asked.values())


def _entry(values: tuple[Any, ...]) -> Entry:
    stream, segment, frame, place, written_ns, name, at_ns, facts = values
    event = Happening(name, at_ns, msgspec.json.decode(facts, type=dict[str, str]))
    return Entry(stream, segment, frame, place, written_ns, event)


def _passes(given: dict[str, Any], values: tuple[Any, ...]) -> bool:
    *_, written_ns, name, _, _ = values
    return (
        given.get("name", name) == name
        and given.get("since_ns", written_ns) <= written_ns
        and written_ns < given.get("until_ns", written_ns + 1)
    )


def _add(sums: list[int], row: TurnRow) -> None:
    sums[0] += 1
    sums[1] += row.outcome != "answered"
    sums[2] += row.prompt_tokens
    sums[3] += row.completion_tokens
    sums[4] += row.cached_tokens
    sums[5] += row.thinking_tokens
    sums[6] += row.cost_nano
    sums[7] += row.took_us
    sums[8] = max(sums[8], row.took_us)
    sums[9] += row.saved_nano
    sums[10] += row.saved_us
    sums[11] += row.queued_us


def _plain(text: bytes) -> str:
    """JSON text with its \\u escapes resolved, so that a search finds what a person would read."""
    if b"\\" in text:
        with suppress(msgspec.DecodeError):
            text = msgspec.json.encode(msgspec.json.decode(text))
    return text.decode("utf-8", "replace")


def _text_state(kept: Kept, asked: bool, texts: Texts | None) -> str:
    if not kept.sealed:
        return "not kept"
    if kept.sealed[0] != 1:
        return "digest only"
    if not asked:
        return "sealed"
    return "open" if texts else "erased"


def open_index(settings: LedgerSettings, home: Path) -> Index:
    """The query side of the ledger of `home`. Costs nothing until asked."""
    del settings  # nothing of it concerns reading; the signature is the room's
    return Index(home)
