"""Budgets of users and models, and the alerts that budgets have given."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "budgets",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("whose", sa.Text, nullable=False),
        sa.Column("budget_nano", sa.BigInteger, nullable=False),
        sa.Column("period", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("created_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "scope", "whose", name="pk_budgets"),
    )
    op.create_table(
        "budget_alerts",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("purse", sa.Text, nullable=False),
        sa.Column("percent", sa.Integer, nullable=False),
        sa.Column("budget_nano", sa.BigInteger, nullable=False),
        sa.Column("spent_nano", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("whose", sa.Text, nullable=False),
        sa.Column("period", sa.Text, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_ns", sa.BigInteger, nullable=False),
        sa.Column("trouble", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_budget_alerts"),
        sa.UniqueConstraint("purse", "percent", "budget_nano", name="uq_budget_alerts_purse_percent_budget_nano"),
    )
    op.create_index("ix_budget_alerts_at_ns", "budget_alerts", ["at_ns"])


def downgrade() -> None:
    op.drop_table("budget_alerts")
    op.drop_table("budgets")
