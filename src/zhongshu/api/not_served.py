"""Addresses of the protocols that are not served here, known from their clients: the answer names what serves instead."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from zhongshu.api.asgi import Receive, Scope, Send
from zhongshu.api.router import ANY, At
from zhongshu.core.problems import Problem, Said, problem

Refuse = Callable[[Scope, Send, Problem], Awaitable[None]]
"""Answers with an error, in the form of one protocol."""

_RESPONSES = Said(
    "A conversation goes on by POST /v1/responses with `previous_response_id`",
    "请使用 POST /v1/responses 及 `previous_response_id` 延续对话",
)
_GEMINI_FILES = Said(
    "Send the content itself in `inlineData`; POST /v1/files keeps files in OpenAI's form",
    "请在 `inlineData` 中直接发送内容；POST /v1/files 以 OpenAI 形式保存文件",
)
_BATCHES = Said(
    "Batches are run by POST /v1/batches and POST /v1/messages/batches",
    "批处理请使用 POST /v1/batches 或 POST /v1/messages/batches",
)
_TUNING = Said(
    "Models are served here, not tuned; see GET /v1/models", "此处只提供模型服务，不做微调；请查看 GET /v1/models"
)

INSTEAD: Mapping[str, Said] = {
    "/v1/assistants": _RESPONSES,
    "/v1/threads": _RESPONSES,
    "/v1/conversations": _RESPONSES,
    "/v1/responses/compact": _RESPONSES,
    "/v1/responses/input_tokens": Said(
        "Tokens are counted by POST /v1/messages/count_tokens and by :countTokens of /v1beta/models",
        "统计词元请使用 POST /v1/messages/count_tokens 或 /v1beta/models 的 :countTokens",
    ),
    "/v1/uploads": Said("Send the file whole to POST /v1/files", "请将整个文件发送到 POST /v1/files"),
    "/v1/fine_tuning": _TUNING,
    "/v1/images/variations": Said("Use POST /v1/images/edits", "请使用 POST /v1/images/edits"),
    "/v1/complete": Said("Use POST /v1/messages", "请使用 POST /v1/messages"),
    "/v1beta/files": _GEMINI_FILES,
    "/upload/v1beta/files": _GEMINI_FILES,
    "/v1beta/cachedContents": Said(
        "Send the whole prompt; the prompt caches of upstreams are used by themselves",
        "请发送完整提示词；上游的提示词缓存会自动使用",
    ),
    "/v1beta/batches": _BATCHES,
    "/v1beta/tunedModels": _TUNING,
    ":batchGenerateContent": _BATCHES,
    ":predict": Said("Pictures are made by POST /v1/images/generations", "生成图片请使用 POST /v1/images/generations"),
}
"""By the beginning of the path; a method of Gemini's models by its name."""


def not_served(path: str, place: str) -> Problem:
    """What is said of one. place: its row in INSTEAD."""
    return problem("not_served", path=path[:128], instead=INSTEAD[place])


def addresses(openai: Refuse, anthropic: Refuse, gemini: Refuse) -> dict[str, At]:
    """Those that have an address of their own, each refused as its protocol refuses."""

    def refuse(place: str) -> Refuse:
        return gemini if "v1beta" in place else anthropic if place == "/v1/complete" else openai

    own = [place for place in INSTEAD if place.startswith("/") and not place.startswith("/v1/responses/")]
    return {place: At(ANY, _NotServed(place, refuse(place))) for place in own}


class _NotServed:
    def __init__(self, place: str, refuse: Refuse) -> None:
        self._place = place
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        await self._refuse(scope, send, not_served(scope["path"], self._place))
