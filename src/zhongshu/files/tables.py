"""The table of the files room."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text

from zhongshu.storage.database import schema

files = Table(
    "files",
    schema,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("filename", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("expires_ns", BigInteger),
    Column("text_key", BigInteger),
    Index("ix_files_tenant_created_ns", "tenant", "created_ns"),
)
