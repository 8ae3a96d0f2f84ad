"""Numbers of ISO 14229-1:2020 that more than one file needs, and the refusal that carries one of them."""

from __future__ import annotations

from enum import IntEnum


class Sid(IntEnum):
    """Service identifiers of requests (clause 8.2, table 2)."""

    SESSION_CONTROL = 0x10
    ECU_RESET = 0x11
    CLEAR_DTC = 0x14
    READ_DTC = 0x19
    READ_DATA = 0x22
    SECURITY_ACCESS = 0x27
    WRITE_DATA = 0x2E
    ROUTINE_CONTROL = 0x31
    TESTER_PRESENT = 0x3E
    CONTROL_DTC_SETTING = 0x85


class Nrc(IntEnum):
    """Negative response codes (Annex A.1)."""

    SERVICE_NOT_SUPPORTED = 0x11
    SUB_FUNCTION_NOT_SUPPORTED = 0x12
    WRONG_LENGTH = 0x13
    RESPONSE_TOO_LONG = 0x14
    BUSY_REPEAT_REQUEST = 0x21
    CONDITIONS_NOT_CORRECT = 0x22
    SEQUENCE_ERROR = 0x24
    OUT_OF_RANGE = 0x31
    SECURITY_ACCESS_DENIED = 0x33
    INVALID_KEY = 0x35
    TOO_MANY_ATTEMPTS = 0x36
    TIME_DELAY_NOT_EXPIRED = 0x37
    PROGRAMMING_FAILURE = 0x72
    RESPONSE_PENDING = 0x78
    SUB_FUNCTION_NOT_IN_SESSION = 0x7E
    SERVICE_NOT_IN_SESSION = 0x7F
    SPEED_TOO_HIGH = 0x88


NEGATIVE = 0x7F
POSITIVE_OFFSET = 0x40
SUPPRESS_POSITIVE = 0x80
"""Bit 7 of a sub-function: no positive response wanted (clause 8.2.2)."""

SILENT_ON_FUNCTIONAL = frozenset(
    (
        Nrc.SERVICE_NOT_SUPPORTED,
        Nrc.SUB_FUNCTION_NOT_SUPPORTED,
        Nrc.OUT_OF_RANGE,
        Nrc.SUB_FUNCTION_NOT_IN_SESSION,
        Nrc.SERVICE_NOT_IN_SESSION,
    )
)
"""To a functionally addressed request these are not sent (clause 7.5.5): another server on the bus is meant."""


class Session(IntEnum):
    """Diagnostic sessions (clause 10.2.2.2) that are told apart here."""

    DEFAULT = 0x01
    PROGRAMMING = 0x02
    EXTENDED = 0x03


class RefusedError(Exception):
    """Raised by a service to answer with a negative response code."""

    def __init__(self, nrc: Nrc) -> None:
        super().__init__(nrc.name)
        self.nrc = nrc


def need(condition: bool, nrc: Nrc) -> None:
    """Raise RefusedError with `nrc` unless `condition` holds."""
    if not condition:
        raise RefusedError(nrc)
