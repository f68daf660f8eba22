"""Tools and the choice among them: those of type "function" are ours; others belong to an upstream of the same format."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

from msgspec import UNSET, Raw

from zhongshu.api.responses import shapes
from zhongshu.api.responses.items import decoded
from zhongshu.core.problems import Fault, Said, fault
from zhongshu.core.turns import Tool, ToolChoice

_AUTO = ToolChoice()


class Offered(NamedTuple):
    """The functions a model may call, the choice among them, and what only an upstream of the same format has, by name
    ("tools.web_search")."""

    tools: tuple[Tool, ...]
    choice: ToolChoice
    foreign: tuple[str, ...]


def offered(request: shapes.ResponsesRequest) -> Offered:
    """Read `tools` and `tool_choice`. Raises the Fault that names the field."""
    tools: list[Tool] = []
    foreign: list[str] = []
    for number, given in enumerate(request.tools or ()):
        field = f"tools[{number}]"
        kind = decoded(shapes.ToolHead, given, field).type
        if kind == "function":
            tools.append(_function(decoded(shapes.FunctionTool, given, field), field))
        else:
            foreign.append(f"tools.{kind[:64]}")
    choice = request.tool_choice
    if choice is None or choice == "auto":
        return Offered(tuple(tools), _AUTO, tuple(foreign))
    if isinstance(choice, dict):
        return _by_object(choice, tools, foreign)
    if choice == "required" and not tools and not foreign:
        raise _wrong("it is `required` but no tools were sent", "它为 `required`，但没有提供 tools")
    return Offered(tuple(tools), ToolChoice("none" if choice == "none" else "required"), tuple(foreign))


def _by_object(choice: dict[str, Any], tools: list[Tool], foreign: list[str]) -> Offered:
    kind = choice.get("type")
    if kind == "function":
        name = choice.get("name")
        if name not in {tool.name for tool in tools}:
            raise _wrong("no tool of that name was sent", "tools 中没有这个名称", "tool_choice.name")
        return Offered(tuple(tools), ToolChoice("tool", name), tuple(foreign))
    if kind == "allowed_tools":
        listed: Any = choice.get("tools")
        allowed = cast("list[Any]", listed) if isinstance(listed, list) else []
        names = {entry.get("name") for entry in allowed if isinstance(entry, dict)}  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        kept = tuple([tool for tool in tools if tool.name in names])
        if not kept and not foreign:
            raise _wrong("none of these tools was sent", "tools 中没有这些工具", "tool_choice.tools")
        mode = choice.get("mode", "auto")
        return Offered(kept, ToolChoice("required" if mode == "required" else "auto"), tuple(foreign))
    if not isinstance(kind, str):
        raise _wrong("give its `type`", "缺少 `type`", "tool_choice.type")
    return Offered(tuple(tools), _AUTO, (*foreign, f"tool_choice.{kind[:64]}"))


def _function(tool: shapes.FunctionTool, field: str) -> Tool:
    given = bytes(tool.parameters) if tool.parameters is not UNSET else b""
    if given in (b"", b"null"):
        return Tool(tool.name, tool.description or "", strict=tool.strict or False)
    if not given.startswith(b"{"):
        raise _wrong("give a JSON Schema object", "应为 JSON Schema 对象", f"{field}.parameters")
    return Tool(tool.name, tool.description or "", Raw(given), tool.strict or False)


def _wrong(en: str, zh: str, field: str = "tool_choice") -> Fault:
    return fault("invalid_value", param=field, field=field, why=Said(en, zh))
