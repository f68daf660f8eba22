"""Alembic's entry: run the migrations on the connection, and in the transaction, that `migrate` hands in."""

from alembic import context

from zhongshu.storage.database import schema

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema,
    render_as_batch=True,  # SQLite changes a table by copying it
)
context.run_migrations()
