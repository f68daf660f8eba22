"""What operators have set an upstream, or one model there, to: open or closed, whatever it does."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "upstream_switches",
        sa.Column("upstream", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("since_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("upstream", "model", name="pk_upstream_switches"),
    )


def downgrade() -> None:
    op.drop_table("upstream_switches")
