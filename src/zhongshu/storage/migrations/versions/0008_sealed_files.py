"""Contents of files are sealed: each row says with which data key. None: a file from before, still plain."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("files", sa.Column("text_key", sa.BigInteger))


def downgrade() -> None:
    op.drop_column("files", "text_key")
