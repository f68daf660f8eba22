"""What the scripted upstream does, as values: a behaviour for each model name, and the ones it ships with.

A request may change its model's behaviour by a field `mock` with the same fields; a script file adds models. Knows
no HTTP.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

import msgspec

LINES = " ".join(f"Line {number} of a long answer." for number in range(1, 41))


class ScriptedCall(msgspec.Struct, frozen=True):
    """A tool call to make. `id` empty leaves it out, as some servers do."""

    name: str
    arguments: str = "{}"
    id: str = "call_1"


class Break(msgspec.Struct, frozen=True):
    """Where and how an answer breaks. after: events of a stream sent before it; 0 is before the head of the reply.

    hang: nothing more comes, the connection stays. cut: the connection is closed in the middle. reset: likewise, by
    TCP RST. error: an error object inside the stream. json: an event that is not JSON. bytes: an event that is not
    UTF-8. junk: text that is no event stream.
    """

    after: int = 0
    how: Literal["hang", "cut", "reset", "error", "json", "bytes", "junk"] = "hang"


class Behaviour(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one model does.

    text, thought, refusal, tool_calls: the answer. times: the text this many times. echo: the text is the request's
    exact body. spelling: of the thought. piece_characters: how text is cut into events, one token each. pack: events
    written together. line_end: of the event stream. comments: a comment before each event.
    first_s, each_s: seconds before the head of the reply and before each event. sequence: names of the behaviours
    used for the first, second ... request; the last one stays.
    status: not 200 refuses with an error in OpenAI's form, or `body` as it stands. retry_after: that header.
    usage: right; missing; wrong (ten times too much); doubled (in two events); each (so far, in every event);
    choice (inside the last choice). finish, done: whether finish_reason and [DONE] come. index: whether tool-call
    pieces carry one. extra: unknown fields everywhere. role_only: the first event holds the role alone. sign_calls: in
    OpenAI's format, the first call bears a signature in extra_content, as Google's do.
    """

    text: str = "Hello from the scripted upstream. 你好，世界。"
    thought: str = ""
    refusal: str = ""
    tool_calls: tuple[ScriptedCall, ...] = ()
    times: int = 1
    echo: bool = False
    spelling: Literal["reasoning_content", "reasoning", "reasoning_details"] = "reasoning_content"
    piece_characters: int = 5
    pack: int = 1
    line_end: Literal["\n", "\r\n", "\r"] = "\n"
    comments: bool = False
    first_s: float = 0.0
    each_s: float = 0.0
    sequence: tuple[str, ...] = ()
    status: int = 200
    body: str = ""
    content_type: str = "application/json"
    retry_after: str = ""
    broken: Break | None = None
    usage: Literal["right", "missing", "wrong", "doubled", "each", "choice"] = "right"
    finish: bool = True
    done: bool = True
    index: bool = True
    extra: bool = False
    role_only: bool = True
    sign_calls: bool = False
    finish_reason: str = ""


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A script file. key: the only credential that is let in, if given. models: behaviours by name."""

    key: str = ""
    models: dict[str, Behaviour] = {}


_WEATHER = ScriptedCall("get_weather", '{"city": "北京", "unit": "celsius"}', "call_weather")
_CLOCK = ScriptedCall("get_time", '{"zone": "Asia/Shanghai"}', "call_time")
_HTML = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
_THOUGHT = "The user greets me. 我应该有礼貌地回答。"

SHIPPED: dict[str, Behaviour] = {
    "mock": Behaviour(),
    "mock-echo": Behaviour(echo=True),
    "mock-slow": Behaviour(first_s=1.0, each_s=0.2),
    "mock-long": Behaviour(text=LINES, each_s=0.02),
    "mock-big": Behaviour(text=LINES, times=1000, piece_characters=1000),
    "mock-packed": Behaviour(pack=4),
    "mock-crlf": Behaviour(line_end="\r\n", comments=True),
    "mock-cr": Behaviour(line_end="\r"),
    "mock-thought": Behaviour(thought=_THOUGHT),
    "mock-thought-reasoning": Behaviour(thought=_THOUGHT, spelling="reasoning"),
    "mock-thought-details": Behaviour(thought=_THOUGHT, spelling="reasoning_details"),
    "mock-tool": Behaviour(text="", tool_calls=(_WEATHER,)),
    "mock-tools": Behaviour(text="Let me look.", tool_calls=(_WEATHER, _CLOCK)),
    "mock-tools-no-index": Behaviour(text="", tool_calls=(_WEATHER, _CLOCK), index=False),
    "mock-tool-no-id": Behaviour(text="", tool_calls=(ScriptedCall("get_weather", '{"city": "上海"}', ""),)),
    "mock-refusal": Behaviour(text="", refusal="I cannot help with that."),
    "mock-filtered": Behaviour(text="I", finish_reason="content_filter"),
    "mock-extra": Behaviour(extra=True),
    "mock-usage-missing": Behaviour(usage="missing"),
    "mock-usage-wrong": Behaviour(usage="wrong"),
    "mock-usage-doubled": Behaviour(usage="doubled"),
    "mock-usage-each": Behaviour(usage="each"),
    "mock-usage-choice": Behaviour(usage="choice"),
    "mock-no-done": Behaviour(done=False),
    "mock-no-finish": Behaviour(finish=False),
    "mock-400": Behaviour(status=400),
    "mock-context": Behaviour(
        status=400,
        body='{"error":{"message":"This model\'s maximum context length is 4096 tokens. However, your messages '
        'resulted in 5000 tokens.","type":"invalid_request_error","param":"messages",'
        '"code":"context_length_exceeded"}}',
    ),
    "mock-401": Behaviour(status=401),
    "mock-402": Behaviour(status=402),
    "mock-404": Behaviour(status=404),
    "mock-429": Behaviour(status=429, retry_after="7"),
    "mock-500": Behaviour(status=500),
    "mock-529": Behaviour(status=529),
    "mock-html": Behaviour(status=502, body=_HTML, content_type="text/html"),
    "mock-html-200": Behaviour(body=_HTML, content_type="text/html"),
    "mock-hang": Behaviour(broken=Break(0, "hang")),
    "mock-reset": Behaviour(broken=Break(0, "reset")),
    "mock-close": Behaviour(broken=Break(0, "cut")),
    "mock-hang-mid": Behaviour(broken=Break(3, "hang")),
    "mock-cut": Behaviour(broken=Break(3, "cut")),
    "mock-reset-mid": Behaviour(broken=Break(3, "reset")),
    "mock-error-mid": Behaviour(broken=Break(3, "error")),
    "mock-bad-json": Behaviour(broken=Break(3, "json")),
    "mock-bad-utf8": Behaviour(broken=Break(3, "bytes")),
    "mock-bad-sse": Behaviour(broken=Break(1, "junk")),
    "mock-once-500": Behaviour(sequence=("mock-500", "mock")),
    "mock-once-429": Behaviour(sequence=("mock-429", "mock")),
}


def load(file: Path) -> Script:
    """Read a script file (TOML). Raises ValueError("FILE: why") when it is none."""
    try:
        return msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), Script)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ValueError(f"{file}: {error}") from None
