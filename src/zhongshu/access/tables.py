"""The tables of the access room: tenants, keys, and the number that goes up when either changes."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, Table, Text

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
)

access_revision = Table(
    "access_revision",
    schema,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
)
