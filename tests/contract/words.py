"""What every protocol can say, in words of none of them: what is asked, what comes back, what an upstream was told."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
CITY, ZONE = {"city": "北京", "unit": "celsius"}, {"zone": "Asia/Shanghai"}
TOOLS: dict[str, dict[str, Any]] = {
    "get_weather": {"type": "object", "properties": {"city": {"type": "string"}, "unit": {"type": "string"}}},
    "get_time": {"type": "object", "properties": {"zone": {"type": "string"}}},
}
RESULTS = {"get_weather": "晴，25°C", "get_time": "12:00"}
IDS = {"get_weather": "call_weather", "get_time": "call_time"}


@dataclass(frozen=True)
class Call:
    """A tool call: its arguments decoded, its signature where one came along."""

    name: str
    arguments: dict[str, Any]
    signature: str | None = None


@dataclass(frozen=True)
class Ask:
    """One question. results: the tools were called and have answered. choice: auto, required, none, or a tool's name."""

    model: str
    text: str = "What is the weather? 天气如何？"
    system: str = ""
    picture: bool = False
    tools: bool = False
    choice: str = ""
    results: bool = False
    max_tokens: int | None = None
    temperature: float | None = None
    stop: tuple[str, ...] = ()
    think: bool = False
    extra: dict[str, Any] = field(default_factory=dict)

    def to(self, model: str) -> Ask:
        return replace(self, model=model)


@dataclass(frozen=True)
class Used:
    """Tokens: of the prompt, `cached` among them; of the answer, `thinking` among them."""

    prompt: int
    completion: int
    cached: int
    thinking: int


@dataclass(frozen=True)
class Said:
    """An answer. stop: "stop", "length", "tool_calls" or "content_filter". signatures: of its thoughts."""

    text: str
    thought: str
    calls: tuple[Call, ...]
    stop: str
    used: Used
    signatures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Heard:
    """What an upstream was told. results: (id or name of the call, what it gave)."""

    texts: tuple[str, ...]
    system: str = ""
    pictures: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    choice: str = ""
    calls: tuple[Call, ...] = ()
    results: tuple[tuple[str, str], ...] = ()
    signatures: tuple[str, ...] = ()
    max_tokens: int | None = None
    temperature: float | None = None
    stop: tuple[str, ...] = ()


def events_of(stream: bytes) -> list[str]:
    """The data of each event."""
    lines = stream.decode().replace("\r\n", "\n")
    assert lines.endswith("\n\n"), stream[-200:]
    blocks = lines.split("\n\n")[:-1]
    return ["\n".join(line[6:] for line in block.split("\n") if line.startswith("data: ")) for block in blocks]
