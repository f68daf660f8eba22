"""The table of the batches room. `state` is the whole Batch as JSON; the columns beside it are for finding it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text

from zhongshu.storage.database import schema

batches = Table(
    "batches",
    schema,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("status", Text, nullable=False, index=True),
    Column("created_ns", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Index("ix_batches_tenant_created_ns", "tenant", "created_ns"),
)
