"""Settings of the files room: `[files]` in the TOML."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class FileSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How large files may be. max_file_bytes: one; tenant_bytes: all of one tenant's; inline_bytes: one that a turn
    names by its id, whose content is then put into the turn."""

    max_file_bytes: Annotated[int, Meta(ge=1024)] = 512 * 1024 * 1024
    tenant_bytes: Annotated[int, Meta(ge=1024)] = 10 * 1024 * 1024 * 1024
    inline_bytes: Annotated[int, Meta(ge=0)] = 8 * 1024 * 1024
