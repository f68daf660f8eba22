"""The SQL of the index, each statement under a name. Plain SQL that SQLite and PostgreSQL both understand, but for
the pragmas. Column names of filters and groups come from the tables below, never from a user."""

from __future__ import annotations

VERSION = 2
"""Of the tables below. An index of another version is made anew from the journal, which has everything."""

# The index holds what is searched and summed; the record itself stays in the journal, found by its place.
SCHEMA = """
CREATE TABLE IF NOT EXISTS turns (
    stream TEXT NOT NULL,
    segment INTEGER NOT NULL,
    frame INTEGER NOT NULL,
    place INTEGER NOT NULL,
    written_ns INTEGER NOT NULL,
    trace TEXT NOT NULL,
    at_ns INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    tenant TEXT NOT NULL,
    key_id TEXT NOT NULL,
    user_name TEXT NOT NULL,
    asked TEXT NOT NULL,
    release_name TEXT NOT NULL,
    upstream TEXT NOT NULL,
    served TEXT NOT NULL,
    kind TEXT NOT NULL,
    error TEXT NOT NULL,
    stage TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    thinking_tokens INTEGER NOT NULL,
    estimated INTEGER NOT NULL,
    cost_nano INTEGER NOT NULL,
    currency TEXT NOT NULL,
    first_us INTEGER NOT NULL,
    took_us INTEGER NOT NULL,
    overhead_us INTEGER NOT NULL,
    split TEXT NOT NULL,
    cache TEXT NOT NULL,
    saved_nano INTEGER NOT NULL,
    saved_us INTEGER NOT NULL,
    shadow_of TEXT NOT NULL,
    queued_us INTEGER NOT NULL,
    PRIMARY KEY (stream, segment, frame)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS turns_trace ON turns (trace);
CREATE INDEX IF NOT EXISTS turns_at ON turns (at_ns);
CREATE INDEX IF NOT EXISTS turns_tenant ON turns (tenant, at_ns);
CREATE INDEX IF NOT EXISTS turns_shadow ON turns (shadow_of) WHERE shadow_of <> '';
CREATE TABLE IF NOT EXISTS events (
    stream TEXT NOT NULL,
    segment INTEGER NOT NULL,
    frame INTEGER NOT NULL,
    place INTEGER NOT NULL,
    written_ns INTEGER NOT NULL,
    name TEXT NOT NULL,
    at_ns INTEGER NOT NULL,
    facts TEXT NOT NULL,
    PRIMARY KEY (stream, segment, frame)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS events_written ON events (written_ns);
CREATE TABLE IF NOT EXISTS cursors (
    stream TEXT PRIMARY KEY,
    segment INTEGER NOT NULL,
    frame INTEGER NOT NULL,
    place INTEGER NOT NULL,
    head BLOB NOT NULL
) WITHOUT ROWID;
"""

COLUMNS = (
    "stream", "segment", "frame", "place", "written_ns", "trace", "at_ns", "outcome", "tenant", "key_id", "user_name",
    "asked", "release_name", "upstream", "served", "kind", "error", "stage", "prompt_tokens", "completion_tokens",
    "cached_tokens", "thinking_tokens", "estimated", "cost_nano", "currency", "first_us", "took_us", "overhead_us",
    "split", "cache", "saved_nano", "saved_us", "shadow_of", "queued_us",
)  # fmt: skip

# A frame that was indexed before a crash is met again after it: once is enough.
ADD_TURN = f"INSERT OR IGNORE INTO turns ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"

# What was done to the ledger or the installation, found like a turn.
ADD_EVENT = "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)"

# Events by filter, newest first.
EVENTS = "SELECT * FROM events{where} ORDER BY written_ns DESC LIMIT ?"

# An index made by other code: its tables go, and are filled anew.
START_ANEW = "DROP TABLE IF EXISTS turns; DROP TABLE IF EXISTS events; DROP TABLE IF EXISTS cursors;"

# In the same transaction as the turns it stands behind.
MOVE_CURSOR = "INSERT OR REPLACE INTO cursors (stream, segment, frame, place, head) VALUES (?, ?, ?, ?, ?)"

# Where indexing stands, for going on and for reading what is newer from the journal.
CURSORS = "SELECT stream, segment, frame, place, head FROM cursors"

# A writer whose sync failed cut its last frames off again; its next segment's header says how many stayed.
DROP_CUT_OFF = "DELETE FROM {table} WHERE stream = ? AND segment = ? AND frame > ?"

# Retention pruned these segments.
DROP_PRUNED = "DELETE FROM {table} WHERE stream = ? AND segment <= ?"

TABLES = ("turns", "events")

# Turns by filter, newest first.
NEWEST = f"SELECT {', '.join(COLUMNS)} FROM turns{{where}} ORDER BY at_ns DESC LIMIT ?"

# Turns by filter, oldest first, for export.
OLDEST = f"SELECT {', '.join(COLUMNS)} FROM turns{{where}} ORDER BY at_ns, stream, segment, frame"

# How many turns a filter keeps, for a progress bar.
COUNT = "SELECT count(*) FROM turns{where}"

# Sums for a group of turns.
SUMS = """
SELECT {groups}, currency, count(*), sum(outcome <> 'answered'), sum(prompt_tokens), sum(completion_tokens),
       sum(cached_tokens), sum(thinking_tokens), sum(cost_nano), sum(took_us), max(took_us), sum(saved_nano),
       sum(saved_us), sum(queued_us)
FROM turns{where} GROUP BY {groups}, currency ORDER BY {groups}
"""

# Money spent by one stream's turns that arrived since a time; the plus keeps SQLite from reading the whole stream.
SPENT = """
SELECT tenant, key_id, user_name, asked, strftime('%Y-%m-%d', at_ns / 1000000000, 'unixepoch'), currency,
       sum(cost_nano)
FROM turns WHERE +stream = ? AND at_ns >= ? AND shadow_of = '' AND cost_nano <> 0 GROUP BY 1, 2, 3, 4, 5, 6
"""

# What a user may filter by, and the condition it becomes.
FILTERS = {
    "trace": "trace = ?",
    "tenant": "tenant = ?",
    "key": "key_id = ?",
    "user": "user_name = ?",
    "model": "? IN (asked, served, release_name, substr(release_name, 1, instr(release_name, '@') - 1))",
    "release": "release_name = ?",
    "upstream": "upstream = ?",
    "outcome": "outcome = ?",
    "error": "error = ?",
    "since_ns": "at_ns >= ?",
    "until_ns": "at_ns < ?",
    "asked": "asked = ?",
    "kind": "kind = ?",
    "split": "split = ?",
    "cache": "cache = ?",
    "shadow": "(shadow_of <> '') = ?",
    "shadow_of": "shadow_of = ? AND shadow_of <> ''",
}

# The same for events.
EVENT_FILTERS = {"name": "name = ?", "since_ns": "written_ns >= ?", "until_ns": "written_ns < ?"}

# What a user may group by, and the expression it is. Days and hours are UTC.
GROUPS = {
    "tenant": "tenant",
    "key": "key_id",
    "user": "user_name",
    "model": "CASE release_name WHEN '' THEN asked ELSE substr(release_name, 1, instr(release_name, '@') - 1) END",
    "release": "release_name",
    "upstream": "upstream",
    "outcome": "outcome",
    "error": "error",
    "kind": "kind",
    "asked": "asked",
    "split": "split",
    "cache": "cache",
    "shadow": "CASE shadow_of WHEN '' THEN '' ELSE 'shadow' END",
    "hour": "strftime('%Y-%m-%dT%H:00Z', at_ns / 1000000000, 'unixepoch')",
    "day": "strftime('%Y-%m-%d', at_ns / 1000000000, 'unixepoch')",
    "month": "strftime('%Y-%m', at_ns / 1000000000, 'unixepoch')",
}
