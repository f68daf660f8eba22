"""A turn's messages as the model's chat template takes them: a role and plain text each. Knows no tools' names.

Earlier tool calls and their results are written in words the models were trained on (Qwen's own: `<tool_call>` in the
assistant's message, `<tool_response>` in the user's), so that every template can carry them, also those without tools.
"""

from __future__ import annotations

import re

from zhongshu.core.problems import fault
from zhongshu.core.turns import Message, Text, Turn

# A caller's text must not open or close a message: a template's marks (<|im_end|>) lose their first bracket's grip.
_MARK = re.compile(r"<\|(?=[A-Za-z0-9_]+\|>)")
_DEFAULT_SYSTEM = "You are a helpful assistant."
_DEFAULT_SYSTEM_ZH = "你是一个乐于助人的助手。"
_HAN = re.compile(r"[\u3400-\u9fff]")


def rendered(turn: Turn, model: str, more_system: str = "", after_result: str = "") -> list[dict[str, str]]:
    """The messages, `more_system` added to the first system message (made if there is none) and `after_result` to
    tool results that stand last.

    Raises Fault("model_cannot") for pictures, sound and files.
    """
    messages: list[dict[str, str]] = []
    for message in turn.messages:
        _check_parts(message, model)
        _add(messages, _role(message), _content(message), join=message.role == "tool")
    if after_result and turn.messages and turn.messages[-1].role == "tool":
        messages[-1]["content"] += "\n" + after_result
    if more_system:
        _add_system(messages, more_system, chinese(turn))
    return messages


def chinese(turn: Turn) -> bool:
    """Whether the last user message is in Chinese: our own instructions follow the caller's language."""
    for message in reversed(turn.messages):
        if message.role == "user":
            return _HAN.search(message.text()) is not None
    return False


def harmless(text: str) -> str:
    """The text without a template's control marks."""
    return _MARK.sub("< |", text) if "<|" in text else text


def call_text(name: str, arguments: str) -> str:
    """A tool call as the model reads and writes it."""
    return f'<tool_call>\n{{"name": "{name}", "arguments": {arguments or "{}"}}}\n</tool_call>'


def _role(message: Message) -> str:
    match message.role:
        case "developer":
            return "system"
        case "tool":
            return "user"
        case role:
            return role


def _content(message: Message) -> str:
    text = harmless(message.text())
    if message.role == "tool":
        return f"<tool_response>\n{text}\n</tool_response>"
    calls = [harmless(call_text(call.name, call.arguments)) for call in message.tool_calls]
    return "\n".join([text, *calls] if text else calls) if calls else text


def _add(messages: list[dict[str, str]], role: str, content: str, *, join: bool) -> None:
    """Results of several tools make one message, as Qwen's template has it."""
    if join and messages and messages[-1]["role"] == "user" and messages[-1]["content"].endswith("</tool_response>"):
        messages[-1]["content"] += "\n" + content
        return
    messages.append({"role": role, "content": content})


def _add_system(messages: list[dict[str, str]], more: str, zh: bool) -> None:
    if messages and messages[0]["role"] == "system":
        messages[0]["content"] += "\n\n" + more
        return
    messages.insert(0, {"role": "system", "content": f"{_DEFAULT_SYSTEM_ZH if zh else _DEFAULT_SYSTEM}\n\n{more}"})


def _check_parts(message: Message, model: str) -> None:
    if isinstance(message.content, str):
        return
    for part in message.content:
        if not isinstance(part, Text):
            raise fault(
                "model_cannot",
                param="messages",
                model=model,
                what="pictures, sound or files",
                remedy="Send text only, or ask for a multimodal model.",
            )
