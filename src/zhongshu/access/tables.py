"""The tables of the access room: tenants, keys, budgets, their alerts, and the number that goes up with a change."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from zhongshu.storage.database import schema

tenants = Table(
    "tenants",
    schema,
    Column("id", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("limits", Text, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
)

keys = Table(
    "keys",
    schema,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, ForeignKey("tenants.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("models", Text, nullable=False),
    Column("limits", Text, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("expires_ns", BigInteger),
    Column("revoked_ns", BigInteger),
    Column("prefers", Text, nullable=False, server_default="{}"),
)

key_changes = Table(
    "key_changes",
    schema,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("key", Text, nullable=False, index=True),
    Column("at_ns", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    sqlite_autoincrement=True,
)

access_revision = Table(
    "access_revision",
    schema,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
)

budgets = Table(
    "budgets",
    schema,
    Column("tenant", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("whose", Text, primary_key=True),
    Column("budget_nano", BigInteger, nullable=False),
    Column("period", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
)

budget_alerts = Table(
    "budget_alerts",
    schema,
    Column("id", Text, primary_key=True),
    Column("purse", Text, nullable=False),
    Column("percent", Integer, nullable=False),
    Column("budget_nano", BigInteger, nullable=False),
    Column("spent_nano", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("whose", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_ns", BigInteger, nullable=False),
    Column("trouble", Text, nullable=False),
    UniqueConstraint("purse", "percent", "budget_nano"),
    Index("ix_budget_alerts_at_ns", "at_ns"),
)
