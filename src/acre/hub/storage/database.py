"""The service's own database, brought to the newest schema when it is opened."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Engine, create_engine, event

__all__ = ["open_database"]


def open_database(file: Path) -> Engine:
    """Return an engine on an SQLite file that has the newest schema."""
    engine = create_engine(URL.create("sqlite", database=str(file)))
    event.listen(engine, "connect", _make_durable)
    alembic = Config()
    alembic.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        alembic.attributes["connection"] = connection
        command.upgrade(alembic, "head")
    return engine


def _make_durable(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.close()
