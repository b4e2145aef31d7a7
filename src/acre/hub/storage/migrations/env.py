"""Alembic's entry: it runs inside the connection that :func:`open_database` hands over."""

from alembic import context

from acre.hub.storage.schema import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
