"""How a refusal travels."""

from enum import StrEnum

from acre.wire.record import Record

__all__ = ["ErrorCode", "Refusal"]


class ErrorCode(StrEnum):
    """Machine codes of refusals; the sentence for people is in the refusal itself."""

    INVALID_NAME = "invalid_name"
    INVITATION_UNKNOWN = "invitation_unknown"
    LAST_ADMINISTRATOR = "last_administrator"
    NOT_ALLOWED = "not_allowed"
    PERSON_EXISTS = "person_exists"
    PERSON_UNKNOWN = "person_unknown"
    REQUEST_INVALID = "request_invalid"
    HUB_REFUSED = "hub_refused"
    HUB_UNAVAILABLE = "hub_unavailable"


class Refusal(Record):
    """The body of every response that refuses.

    Attributes:
        code: For programs.
        message: For people: what happened, why, and what to do.
    """

    code: ErrorCode
    message: str
