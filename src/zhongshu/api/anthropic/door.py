"""The endpoints of this protocol, as the surface's table takes them."""

from __future__ import annotations

from collections.abc import Callable

from zhongshu.api.anthropic.counting import CountTokens
from zhongshu.api.anthropic.dialect import Messages
from zhongshu.api.anthropic.errors import AnthropicHead
from zhongshu.api.asgi import App
from zhongshu.api.counting import Count
from zhongshu.api.endpoint import Bounds, Endpoint, Load
from zhongshu.pipeline.stages import Rooms


def messages_endpoint(rooms: Callable[[], Rooms], bounds: Bounds, load: Load) -> App:
    """POST /v1/messages."""
    return AnthropicHead(Endpoint(Messages(), rooms, bounds, load))


def count_tokens_endpoint(rooms: Callable[[], Rooms], bounds: Bounds, count: Count | None) -> App:
    """POST /v1/messages/count_tokens."""
    return AnthropicHead(CountTokens(rooms, count, bounds.max_body_bytes))
