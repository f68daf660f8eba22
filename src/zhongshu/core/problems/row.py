"""The form in which a file of this folder says what a caller is told."""

from __future__ import annotations

from typing import NamedTuple

INVALID = "invalid_request_error"
"""The type of what the caller can mend in the request."""


class Row(NamedTuple):
    """A problem before its facts are known: the sentences have `{blanks}` for them."""

    status: int
    type: str
    en: str
    zh: str
