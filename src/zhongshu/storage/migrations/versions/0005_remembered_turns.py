"""Turns remembered for later ones: their texts (sealed), the names of their parts, and their streams."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "kept_turns",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("created_ns", sa.BigInteger, nullable=False),
        sa.Column("expires_ns", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("previous", sa.Text),
        sa.Column("owner", sa.Text),
        sa.Column("asked", sa.LargeBinary, nullable=False),
        sa.Column("answered", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_kept_turns"),
    )
    op.create_index("ix_kept_turns_tenant", "kept_turns", ["tenant", "created_ns"])
    op.create_index("ix_kept_turns_expires_ns", "kept_turns", ["expires_ns"])
    op.create_table(
        "kept_items",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("item", sa.Text, nullable=False),
        sa.Column("turn", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "item", name="pk_kept_items"),
    )
    op.create_index("ix_kept_items_turn", "kept_items", ["turn"])
    op.create_table(
        "kept_pieces",
        sa.Column("turn", sa.Text, nullable=False),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("turn", "first", name="pk_kept_pieces"),
    )


def downgrade() -> None:
    op.drop_table("kept_pieces")
    op.drop_table("kept_items")
    op.drop_table("kept_turns")
