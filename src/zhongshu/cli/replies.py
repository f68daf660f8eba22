"""What a server's reply to a chat request says, as far as a person wants to see it. Knows no network and no terminal."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, cast

import msgspec

from zhongshu.cli.door import Trouble
from zhongshu.cli.words import t


class RouteFacts(msgspec.Struct, frozen=True):
    """Who answered, and why."""

    release: str = ""
    reason: str = ""
    reason_zh: str = ""


class UsageFacts(msgspec.Struct, frozen=True):
    """Tokens in and out."""

    prompt: int = 0
    completion: int = 0
    estimated: bool = False


class CostFacts(msgspec.Struct, frozen=True):
    """Money, as a decimal text."""

    amount: str = "0"
    currency: str = ""


class LabelFacts(msgspec.Struct, frozen=True):
    """The AI label and the words to render it with. AIGC: what a file that the answer is saved in must carry."""

    explicit: bool = False
    text: str = ""
    text_zh: str = ""
    AIGC: dict[str, str] | None = None


class ProgressFacts(msgspec.Struct, frozen=True):
    """What an assistant does now, and with which model."""

    stage: str = ""
    model: str = ""


class Extra(msgspec.Struct, frozen=True):
    """The `zhongshu` object of a reply, as far as a person wants to see it."""

    trace: str = ""
    route: RouteFacts = RouteFacts()
    usage: UsageFacts = UsageFacts()
    cost: CostFacts = CostFacts()
    label: LabelFacts | None = None
    overhead_ms: float | None = None
    progress: ProgressFacts | None = None


class Piece(msgspec.Struct, frozen=True):
    """Some of the answer: its text, some of the thought before it, a tool call, what an assistant does now, or what the
    server says of it all."""

    text: str = ""
    thought: str = ""
    tool: str = ""
    extra: Extra | None = None
    progress: ProgressFacts | None = None


class _Function(msgspec.Struct, frozen=True):
    name: str | None = None
    arguments: str | None = None


class _Call(msgspec.Struct, frozen=True):
    function: _Function = _Function()


class _Content(msgspec.Struct, frozen=True):
    content: str | None = None
    reasoning_content: str | None = None
    refusal: str | None = None
    tool_calls: tuple[_Call, ...] | None = None


class _Choice(msgspec.Struct, frozen=True):
    delta: _Content = _Content()
    message: _Content = _Content()


class _Error(msgspec.Struct, frozen=True):
    message: str = ""
    code: str | None = None


class _Body(msgspec.Struct, frozen=True):
    choices: tuple[_Choice, ...] = ()
    zhongshu: Extra | None = None
    error: _Error | None = None


def reply(body: dict[str, Any]) -> Piece:
    """The first choice of a whole reply, all in one piece. Raises Trouble."""
    try:
        whole = msgspec.convert(body, _Body)
    except msgspec.ValidationError:
        raise _not_ours() from None
    first = _piece(whole.choices[0].message) if whole.choices else Piece()
    return msgspec.structs.replace(first, extra=whole.zhongshu)


def pieces_of(event: bytes) -> Generator[Piece]:
    """What an event of a stream holds. Raises Trouble."""
    try:
        chunk = msgspec.json.decode(event, type=_Body)
    except msgspec.DecodeError:
        raise _not_ours() from None
    if chunk.error:
        raise _trouble(chunk.error, 200)
    for choice in chunk.choices:
        yield _piece(choice.delta)
    if chunk.zhongshu and chunk.zhongshu.progress:
        yield Piece(progress=chunk.zhongshu.progress)
    elif chunk.zhongshu:
        yield Piece(extra=chunk.zhongshu)


def decoded(body: bytes) -> dict[str, Any]:
    """A whole reply as JSON. Raises Trouble."""
    try:
        value = msgspec.json.decode(body)
    except msgspec.DecodeError:
        value = None
    if not isinstance(value, dict):
        raise _not_ours()
    return cast("dict[str, Any]", value)


def trouble_of(body: bytes, status: int) -> Trouble:
    """What a refusal says."""
    try:
        return _trouble(msgspec.json.decode(body, type=_Body).error or _Error(), status)
    except msgspec.DecodeError:
        return _trouble(_Error(), status)


def _piece(content: _Content) -> Piece:
    calls = "".join(f"{call.function.name or ''}{call.function.arguments or ''}" for call in content.tool_calls or ())
    return Piece(content.content or content.refusal or "", content.reasoning_content or "", calls)


def _not_ours() -> Trouble:
    return Trouble(
        t(
            "The server's reply is not one of Zhongshu's; is the address right?",
            "服务的响应不是中枢的格式；地址是否正确？",
        )
    )


def _trouble(error: _Error, status: int) -> Trouble:
    sentence = error.message or t(f"The server answered {status}.", f"服务返回状态 {status}。")
    return Trouble(sentence, error.code or "")
