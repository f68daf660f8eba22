"""What a batch is: its state, the mistakes of its input, and what came of one of its requests."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec

Status = Literal["validating", "failed", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled"]
RUNNING: tuple[Status, ...] = ("validating", "in_progress", "finalizing", "cancelling")
ENDED: tuple[Status, ...] = ("failed", "completed", "expired", "cancelled")


class Mistake(msgspec.Struct, frozen=True):
    """What is wrong with an input file. line: its number from 1; None for the file as a whole."""

    code: str
    message: str
    message_zh: str
    line: int | None = None
    param: str | None = None


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch. Times in nanoseconds, UTC. key_id: whose limits its requests count against. failed: of `total`; expired:
    of those that failed, how many were not answered in time. output_expires_s: how long the files it makes are kept;
    None for ever."""

    id: str
    tenant: str
    key_id: str
    endpoint: str
    input_file: str
    window: str
    status: Status
    created_ns: int
    expires_ns: int
    metadata: Mapping[str, str] = {}
    mistakes: tuple[Mistake, ...] = ()
    total: int = 0
    completed: int = 0
    failed: int = 0
    expired: int = 0
    output_file: str | None = None
    error_file: str | None = None
    output_expires_s: float | None = None
    in_progress_ns: int | None = None
    finalizing_ns: int | None = None
    cancelling_ns: int | None = None
    ended_ns: int | None = None


class Request(msgspec.Struct, frozen=True):
    """One line of an input file."""

    number: int
    custom_id: str
    body: bytes


class Reply(msgspec.Struct, frozen=True):
    """What came of asking. status and body are those that a client would have got. wait_s: it was not let in or not
    answered for want of room, and may be asked again after so long; None when that is no remedy. again: a fault that
    may pass, worth another attempt."""

    status: int
    body: bytes
    request_id: str
    wait_s: float | None = None
    again: bool = False


class Asks(Protocol):
    """Answers one request of a batch by the path of every other turn."""

    @property
    def endpoints(self) -> tuple[str, ...]:
        """What batches may be of."""
        ...

    async def ask(self, endpoint: str, key_id: str, body: bytes, batch: str) -> Reply:
        """Ask as this key, with low priority. Every failure is a Reply; cancelling cancels the upstream."""
        ...


def new_id() -> str:
    """`batch_` and 24 characters that nobody guesses."""
    return f"batch_{secrets.token_hex(12)}"
