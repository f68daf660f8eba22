"""Fills the index from the journals. Only the keeper does; a kill at any moment neither loses nor doubles a turn,
because rows and the cursor behind them are committed together and a frame's place is the row's key.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from pathlib import Path
from typing import Any

from zhongshu.ledger import queries
from zhongshu.ledger.reader import frames_after
from zhongshu.ledger.rows import event_values, row_values
from zhongshu.ledger.segments import Mark, read_header, segment_path, stream_folder, streams

_log = logging.getLogger("zhongshu.ledger.keeper")

BATCH = 2000
"""Frames of one stream in one transaction."""


class Indexer:
    """Writes `home/index.db`. One process only; the keeper's lock sees to that."""

    def __init__(self, home: Path, batch: int = BATCH) -> None:
        self._home = home
        self._batch = batch
        self._path = home / "index.db"
        self.cursors: dict[str, Mark] = {}
        try:
            self._open()
        except sqlite3.OperationalError:  # locked, or the disk is full: not the file's fault
            raise
        except sqlite3.DatabaseError as error:
            self.start_anew(error)

    def start_anew(self, why: sqlite3.DatabaseError) -> None:
        """Throw a file away that is no database any more: the journal has all that was in it."""
        _log.error("%s cannot be used (%s) and is made again from the journal", self._path, why)
        self._db.close()
        for end in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + end).unlink(missing_ok=True)
        self._open()

    def _open(self) -> None:
        if not self._path.exists():
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        self._db = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        # In WAL mode a power cut may lose the last commits whole; the journal still has them and the cursor knows.
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._prepare()
        self.cursors = {row[0]: Mark(*row[1:]) for row in self._db.execute(queries.CURSORS)}

    def advance(self) -> int:
        """Index what is new, at most one batch of each stream; how many frames that were."""
        return sum(self._advance(stream) for stream in streams(self._home))

    def forget(self, stream: str, segment: int) -> None:
        """Drop the rows of pruned segments, up to and with `segment`."""
        for table in queries.TABLES:
            self._db.execute(queries.DROP_PRUNED.format(table=table), (stream, segment))

    def close(self) -> None:
        """Let go of the database."""
        self._db.close()

    def _prepare(self) -> None:
        """Make the tables, or make them anew when other code made them; readers read the journal until then."""
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        anew = "" if version == queries.VERSION else queries.START_ANEW
        settled = f"PRAGMA user_version={queries.VERSION};"
        self._db.executescript(f"BEGIN IMMEDIATE; {anew} {queries.SCHEMA} {settled} COMMIT;")

    def _advance(self, stream: str) -> int:
        mark = self.cursors.get(stream)
        rows: list[tuple[Any, ...]] = []
        events: list[tuple[Any, ...]] = []
        seen = 0
        entered: list[int] = []
        for at, frame, fields in frames_after(self._home, stream, mark):
            if mark is not None and at.segment != mark.segment:
                entered.append(at.segment)
            mark = at
            seen += 1
            if row := row_values(stream, at.segment, frame, fields):
                rows.append(row)
            elif event := event_values(stream, at.segment, frame):
                events.append(event)
            if seen >= self._batch:
                break
        if seen and mark:
            self._commit(stream, rows, events, mark, entered)
        return seen

    def _commit(
        self,
        stream: str,
        rows: list[tuple[Any, ...]],
        events: list[tuple[Any, ...]],
        mark: Mark,
        entered: list[int],
    ) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        with self._db:  # commits, or rolls back and raises
            self._db.executemany(queries.ADD_TURN, rows)
            self._db.executemany(queries.ADD_EVENT, events)
            for segment in entered:
                header = read_header(segment_path(stream_folder(self._home, stream), segment))
                if header:
                    for table in queries.TABLES:
                        cut = queries.DROP_CUT_OFF.format(table=table)
                        self._db.execute(cut, (stream, segment - 1, header.prev_frames))
            self._db.execute(queries.MOVE_CURSOR, (stream, mark.segment, mark.frame, mark.offset, mark.head))
        self.cursors[stream] = mark
