"""The tables of the catalogue room: traffic plans, the history of their changes, and scores of turns."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, LargeBinary, Table, Text

from zhongshu.storage.database import schema

plans = Table(
    "release_plans",
    schema,
    Column("model", Text, primary_key=True),
    Column("plan", Text, nullable=False),
    Column("buckets", LargeBinary, nullable=False),
)

changes = Table(
    "release_changes",
    schema,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("model", Text, nullable=False, index=True),
    Column("at_ns", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("why_zh", Text, nullable=False),
    Column("undoes", Integer),
    sqlite_autoincrement=True,
)

scores = Table(
    "scores",
    schema,
    Column("trace", Text, primary_key=True),
    Column("model", Text, nullable=False),
    Column("release_name", Text, nullable=False),
    Column("user_group", Integer, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("scored_ns", BigInteger, nullable=False),
    Column("score", Float, nullable=False),
    Column("by", Text, nullable=False),
    Index("ix_scores_model", "model", "at_ns"),
)

route_samples = Table(
    "route_samples",
    schema,
    Column("trace", Text, primary_key=True),
    Column("sample", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("at_ns", BigInteger, nullable=False, index=True),
    Column("went", Boolean, nullable=False),
    Column("release_name", Text, nullable=False),
    Column("other_name", Text, nullable=False),
    Column("task", Text, nullable=False),
    Column("gain", Float, nullable=False),
    Column("cost_nano", BigInteger, nullable=False),
    Column("other_nano", BigInteger, nullable=False),
    Column("judge_nano", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("general", Float),
    Column("reasoning", Float),
    Column("by", Text, nullable=False),
    Column("asked", Text, nullable=False, server_default="auto"),
    Column("done", Float),
    Column("general_nano", BigInteger),
    Column("reasoning_nano", BigInteger),
)
