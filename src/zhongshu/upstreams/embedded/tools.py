"""Tool calls on models that were not trained well for them: what the model is told, and what it may write where.

Measured 2026-11 on Qwen2.5-Coder 0.5B and 1.5B: given tools, both want to call one even when greeted, whatever the
system prompt says. Offered a tool more, named `reply`, and asked only for the name, they tell the cases apart; so the
name comes first (by probability), and then either arguments that follow the tool's schema, or a reply: without the
tools' prompt where the history has no calls, else as a JSON string. Each piece is continued from a prefix written by us, so nothing but it has to be read. Knows no wire.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from zhongshu.core.turns import Tool
from zhongshu.upstreams.embedded.link import Token

_REPLY_NAMES = ("reply", "answer_user", "say_to_user", "zhongshu_reply")
_REPLY = (
    "Answer the user in words: greetings, thanks, knowledge, writing, translation, sums, code, "
    "or when no other function fits."
)
_REPLY_ZH = "直接用文字回答用户：问候、感谢、常识、写作、翻译、计算、代码，或没有其他函数适用时。"
# Without this line both models ask for the same again after a result.
_AFTER_RESULT = "If this answers the query, call {reply}."
_AFTER_RESULT_ZH = "如果这已经能回答问题，请调用 {reply}。"
# A call must be this likely, and this much likelier than a reply, the second time after a call. Measured 2026-11 on 24
# questions in both languages. 1.5B: calls wanted .98 and more; replies wanted at most 1.6 times likelier, or both next
# to nothing beside a name that is no tool's ("translate" .96). 0.5B: calls wanted .27 and more, 4 times likelier and
# more; after a call that was enough at most 15 times, after one of two at least 68.
_LIKELY = 0.15
_LIKELIER = 2.0
_ANOTHER = 30.0
_MENTION = "You also have these tools (none is needed now, answer in words):\n{tools}"
_MENTION_ZH = "你还可以使用这些工具（现在不需要使用，请直接用文字回答）：\n{tools}"
_BRIEFING = """# Tools

Call the one function that fits the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{tools}
</tools>

For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:
<tool_call>
{{"name": <function-name>, "arguments": <args-json-object>}}
</tool_call>"""

BEFORE_NAME = '<tool_call>\n{"name": "'
AFTER_CALL = "}\n</tool_call>\n"
# The rest of a JSON string, up to its closing quote. The braces after it may be written too: they share a token with
# the quote, and a model that may not write that token leaves out the quote instead.
STRING_REST = r"""root ::= char* "\"" ("}" "}"?)?
char ::= [^"\\\x00-\x1f] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4})"""


def reply_name(tools: Iterable[Tool]) -> str:
    """A name for replying in words that no tool's name can be taken for."""
    taken = [tool.name for tool in tools]
    return next(name for name in _REPLY_NAMES if not any(t[:3] == name[:3] for t in taken) or name == _REPLY_NAMES[-1])


def briefing(tools: Iterable[Tool], *, zh: bool) -> str:
    """What the system prompt says of the tools: Qwen's own words for them, `reply` first."""
    text = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    lines = [_signature(reply_name(tools), _REPLY_ZH if zh else _REPLY, text)]
    lines += [_signature(tool.name, tool.description, msgspec.json.decode(tool.parameters)) for tool in tools]
    return _BRIEFING.format(tools="\n".join(lines))


def mention(tools: Iterable[Tool], *, zh: bool) -> str:
    """What the system prompt says of the tools to a model that is not to call any now."""
    lines = "\n".join(f"- {tool.name}: {tool.description}" for tool in tools)
    return (_MENTION_ZH if zh else _MENTION).format(tools=lines)


def after_result(reply: str, zh: bool) -> str:
    """What is said after the latest tool results."""
    return (_AFTER_RESULT_ZH if zh else _AFTER_RESULT).format(reply=reply)


def wants_call(first: Iterable[Token], tools: Iterable[Tool], reply: str, *, another: bool = False) -> bool:
    """Whether a tool is likelier than a reply. `first`: what the name may begin with, with log-probabilities;
    `another`: a call has just been made."""
    call = say = 0.0
    for token in first:
        if not token.token:
            continue
        share = math.exp(token.logprob)
        if _begins(reply, token.token):
            say += share
        elif any(_begins(tool.name, token.token) for tool in tools):
            call += share
    return call > _LIKELY and call > say * (_ANOTHER if another else _LIKELIER)


def names_grammar(tools: Iterable[Tool]) -> str:
    """Only a tool's name and its closing quote."""
    return "root ::= (" + " | ".join(json.dumps(tool.name) for tool in tools) + ') "\\""'


def before_arguments(name: str) -> str:
    """What goes before a call's arguments."""
    return f'{BEFORE_NAME}{name}", "arguments": '


def before_reply(name: str) -> str:
    """What goes before a reply's text."""
    return before_arguments(name) + '{"text": "'


def arguments_schema(tool: Tool) -> dict[str, Any]:
    """The tool's JSON Schema. Arguments are an object even when it does not say so, and hold nothing that it does
    not name: a model free to add properties does."""
    schema: dict[str, Any] = msgspec.json.decode(tool.parameters)
    closed = {"additionalProperties": False} if schema.get("properties") else {}
    return {"type": "object", **closed, **schema}


class StringReader:
    """Decodes the rest of a JSON string (without its opening quote) as it arrives, cut anywhere."""

    _WHOLE = re.compile(
        r'(?:[^"\\]|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[0-9a-fA-F]{4}|\\u(?![dD][89abAB])[0-9a-fA-F]{4}|\\[^u])*'
    )

    def __init__(self) -> None:
        self._pending = ""

    def feed(self, piece: str) -> str:
        """The text that is whole by now; the closing quote and what follows give nothing."""
        pending = self._pending + piece
        match = self._WHOLE.match(pending)
        end = match.end() if match else 0
        self._pending = pending[end:]
        return json.loads(f'"{pending[:end]}"', strict=False) if end else ""


def _signature(name: str, description: str, parameters: object) -> str:
    function = {"name": name, "description": description, "parameters": parameters}
    return json.dumps({"type": "function", "function": function}, ensure_ascii=False)


def _begins(name: str, token: str) -> bool:
    """Whether a token may be the beginning of `name` followed by its closing quote."""
    return (name + '"').startswith(token) or token.startswith(name + '"')
