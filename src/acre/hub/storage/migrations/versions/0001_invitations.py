"""Invitations."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "invitations",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("code_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("expires", sa.DateTime(), nullable=False),
        sa.Column("claimed", sa.DateTime(), nullable=True),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("invitations")
