"""Samples of assistants beside those of auto: whose choice it was, how right the answer given was, what each way cost."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("route_samples", sa.Column("asked", sa.Text, nullable=False, server_default="auto"))
    op.add_column("route_samples", sa.Column("done", sa.Float))
    op.add_column("route_samples", sa.Column("general_nano", sa.BigInteger))
    op.add_column("route_samples", sa.Column("reasoning_nano", sa.BigInteger))


def downgrade() -> None:
    for name in ("reasoning_nano", "general_nano", "done", "asked"):
        op.drop_column("route_samples", name)
