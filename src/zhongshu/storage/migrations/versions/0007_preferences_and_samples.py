"""How a key weighs quality against cost and time, who changed that, and samples of routing with what judged them."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("keys", sa.Column("prefers", sa.Text, nullable=False, server_default="{}"))
    op.create_table(
        "key_changes",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_key_changes"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_key_changes_key", "key_changes", ["key"])
    op.create_table(
        "route_samples",
        sa.Column("trace", sa.Text, nullable=False),
        sa.Column("sample", sa.Text, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("went", sa.Boolean, nullable=False),
        sa.Column("release_name", sa.Text, nullable=False),
        sa.Column("other_name", sa.Text, nullable=False),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("gain", sa.Float, nullable=False),
        sa.Column("cost_nano", sa.BigInteger, nullable=False),
        sa.Column("other_nano", sa.BigInteger, nullable=False),
        sa.Column("judge_nano", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("general", sa.Float),
        sa.Column("reasoning", sa.Float),
        sa.Column("by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("trace", name="pk_route_samples"),
    )
    op.create_index("ix_route_samples_at_ns", "route_samples", ["at_ns"])


def downgrade() -> None:
    op.drop_table("route_samples")
    op.drop_table("key_changes")
    op.drop_column("keys", "prefers")
