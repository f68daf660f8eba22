"""The tables of the sessions room. Whatever a tenant wrote or was answered is sealed; the rest is plain."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, PrimaryKeyConstraint, Table, Text

from zhongshu.storage.database import schema

kept_turns = Table(
    "kept_turns",
    schema,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("expires_ns", BigInteger, nullable=False, index=True),
    Column("state", Text, nullable=False),
    Column("previous", Text),
    Column("owner", Text),
    Column("asked", LargeBinary, nullable=False),
    Column("answered", LargeBinary, nullable=False),
    Index("ix_kept_turns_tenant", "tenant", "created_ns"),
)

kept_items = Table(
    "kept_items",
    schema,
    Column("tenant", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("turn", Text, nullable=False, index=True),
    PrimaryKeyConstraint("tenant", "item"),
)

kept_pieces = Table(
    "kept_pieces",
    schema,
    Column("turn", Text, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    PrimaryKeyConstraint("turn", "first"),
)
