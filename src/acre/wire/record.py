"""The base of every record."""

from pydantic import BaseModel, ConfigDict

__all__ = ["Record"]


class Record(BaseModel):
    """A value that crosses a border: immutable, and unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
