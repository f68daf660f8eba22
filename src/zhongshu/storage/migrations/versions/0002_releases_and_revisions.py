"""Traffic plans of models, who changed them, scores of turns; and the numbers by which processes notice changes."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "revisions",
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_revisions"),
    )
    op.create_table(
        "release_plans",
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("buckets", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("model", name="pk_release_plans"),
    )
    op.create_table(
        "release_changes",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("why_zh", sa.Text, nullable=False),
        sa.Column("undoes", sa.Integer),
        sa.PrimaryKeyConstraint("number", name="pk_release_changes"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_release_changes_model", "release_changes", ["model"])
    op.create_table(
        "scores",
        sa.Column("trace", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("release_name", sa.Text, nullable=False),
        sa.Column("user_group", sa.Integer, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("scored_ns", sa.BigInteger, nullable=False),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("trace", name="pk_scores"),
    )
    op.create_index("ix_scores_model", "scores", ["model", "at_ns"])


def downgrade() -> None:
    for table in ("scores", "release_changes", "release_plans", "revisions"):
        op.drop_table(table)
