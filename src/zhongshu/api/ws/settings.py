"""Settings of the WebSocket: `[websocket]` in the TOML."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class WebSocketSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much one connection may do. max_turns: open at once on a connection. resume_s: how long a turn goes on, and
    its pieces are kept, after its connection broke. buffer_bytes: of one turn's pieces."""

    max_turns: Annotated[int, Meta(ge=1, le=1000)] = 16
    resume_s: Annotated[float, Meta(ge=0, le=3600)] = 60.0
    buffer_bytes: Annotated[int, Meta(ge=4096)] = 1024 * 1024
