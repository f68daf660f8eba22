"""What a wire format cannot say is refused or stated, never dropped in silence: one row for each field.

A row: the field, how it is asked for, what of it must reach an upstream that is told, and what becomes of it over
openai, responses, anthropic and gemini: TOLD, REFUSED, or the name under which it stands in x-zhongshu-dropped.
"""

import re

import pytest

from tests.contract.conftest import PROTOCOLS, WIRES, Cell
from tests.contract.words import Ask

TOLD, REFUSED = "", "refused"
SCHEMA = {"type": "object", "title": "MARK", "properties": {"a": {"type": "string"}}}
ASK, TOOLS, RESULTS = Ask("mock"), Ask("mock", tools=True), Ask("mock", tools=True, results=True)
SAME = (TOLD, TOLD, TOLD, TOLD)
NOT_SIGNED = "messages.thoughts (not signed)"


def fields(**said):
    return lambda body: body.update(said)


def user(part):
    return lambda body: body["messages"].append({"role": "user", "content": [part]})


def item(said):
    return lambda body: body["input"].append(said)


def content(part):
    return item({"type": "message", "role": "user", "content": [part]})


def config(**said):
    return lambda body: body["generationConfig"].update(said)


def part(said):
    return lambda body: body["contents"][0]["parts"].append(said)


def only(name, told):
    """Told where the field comes from, stated elsewhere."""
    return tuple(TOLD if wire == told else name for wire in WIRES)


def refused_but(told):
    return tuple(TOLD if wire == told else REFUSED for wire in WIRES)


def image_url(**said):
    return user({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"} | said})


def picture_in_result(body):
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "MARK"}}
    body["messages"][-1]["content"][0]["content"] = [{"type": "text", "text": "x"}, picture]


PDF = "data:application/pdf;base64,AAAA"
CHAT = [
    ("seed", ASK, fields(seed=7777), "7777", (TOLD, "seed", "seed", TOLD)),
    ("n", ASK, fields(n=2), r'"(n|candidateCount)":2', (TOLD, REFUSED, REFUSED, TOLD)),
    ("presence_penalty", ASK, fields(presence_penalty=0.77), "0.77", (TOLD, *["presence_penalty"] * 2, TOLD)),
    ("frequency_penalty", ASK, fields(frequency_penalty=0.77), "0.77", (TOLD, *["frequency_penalty"] * 2, TOLD)),
    ("logprobs", ASK, fields(logprobs=True, top_logprobs=2), "ogprobs", (TOLD, TOLD, REFUSED, TOLD)),
    ("user", ASK, fields(user="MARK"), "MARK", (TOLD, TOLD, TOLD, "user")),
    ("logit_bias", ASK, fields(logit_bias={"7777": 1}), "7777", only("logit_bias", "openai")),
    ("a field nobody knows", ASK, fields(x_mark=1), "x_mark", only("x_mark", "openai")),
    ("json", ASK, fields(response_format={"type": "json_object"}), r"json|answer", SAME),
    (
        "schema", ASK, fields(response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}),
        "MARK", SAME,
    ),
    (
        "parallel_tool_calls", TOOLS, fields(parallel_tool_calls=False), "parallel",
        (TOLD, TOLD, TOLD, "parallel_tool_calls"),
    ),
    (
        "strict", TOOLS, lambda body: body["tools"][0]["function"].update(strict=True), r'"strict": ?true|VALIDATED',
        (TOLD, TOLD, "tools.strict", TOLD),
    ),
    (
        "sound", ASK, user({"type": "input_audio", "input_audio": {"data": "MARK", "format": "wav"}}), "MARK",
        (TOLD, TOLD, REFUSED, TOLD),
    ),
    (
        "film", ASK, user({"type": "video_url", "video_url": {"url": "https://x.example/MARK.mp4"}}), "MARK",
        (TOLD, REFUSED, REFUSED, TOLD),
    ),
    (
        "file", ASK, user({"type": "file", "file": {"filename": "MARK.pdf", "file_data": PDF}}), "MARK",
        (TOLD, TOLD, TOLD, "messages.file.filename"),
    ),
    ("address", ASK, image_url(url="https://x.example/MARK.png"), "MARK", SAME),
    ("address without TLS", ASK, image_url(url="http://x.example/MARK.png"), "MARK", (TOLD, TOLD, TOLD, REFUSED)),
    (
        "detail", ASK, image_url(detail="low"), "low",
        (TOLD, TOLD, "image_url.detail", "messages.image_url.detail"),
    ),
    (
        "name", ASK, lambda body: body["messages"][0].update(name="MARK"), "MARK", only("messages.name", "openai"),
    ),
    (
        "thoughts", ASK,
        lambda body: body["messages"].append({"role": "assistant", "content": "x", "reasoning_content": "MARK"}),
        "MARK", only(NOT_SIGNED, "openai"),
    ),
    (
        "a later system message", ASK, lambda body: body["messages"].append({"role": "system", "content": "MARK"}),
        "MARK", (TOLD, TOLD, *["messages[1].role (its place)"] * 2),
    ),
    ("white space as stop text", ASK, fields(stop=[" "]), r'\[" "\]', (TOLD, REFUSED, REFUSED, TOLD)),
    ("heat", ASK, fields(temperature=1.7), "1.7", (TOLD, TOLD, "temperature (above 1)", TOLD)),
]  # fmt: skip
RESPONSES = [
    ("truncation", ASK, fields(truncation="auto"), "truncation", only("truncation", "responses")),
    ("verbosity", ASK, fields(text={"verbosity": "low"}), "verbosity", only("text.verbosity", "responses")),
    ("prompt", ASK, fields(prompt={"id": "x"}), "prompt", refused_but("responses")),
    ("a built-in tool", ASK, fields(tools=[{"type": "web_search"}]), "web_search", refused_but("responses")),
    (
        "what a built-in tool did", ASK, item({"type": "web_search_call", "id": "ws_1", "status": "completed"}), "ws_1",
        refused_but("responses"),
    ),
    ("max_tool_calls", ASK, fields(max_tool_calls=3), "max_tool", only("max_tool_calls", "responses")),
    ("service_tier", ASK, fields(service_tier="flex"), "flex", only("service_tier", "responses")),
    ("prompt_cache_key", ASK, fields(prompt_cache_key="MARK"), "MARK", only("prompt_cache_key", "responses")),
    ("user", ASK, fields(user="MARK"), "MARK", (TOLD, TOLD, TOLD, "user")),
    ("a field nobody knows", ASK, fields(x_mark=1), "x_mark", only("x_mark", "responses")),
    (
        "schema", ASK, fields(text={"format": {"type": "json_schema", "name": "x", "schema": SCHEMA}}), "MARK", SAME,
    ),
    (
        "file by address", ASK, content({"type": "input_file", "file_url": "https://x.example/MARK.pdf"}), "MARK",
        (REFUSED, TOLD, TOLD, TOLD),
    ),
    ("effort", ASK, fields(reasoning={"effort": "low"}), "think|effort", ("reasoning_effort", TOLD, TOLD, TOLD)),
    (
        "strict", TOOLS, lambda body: body["tools"][0].update(strict=True), r'"strict": ?true|VALIDATED',
        (TOLD, TOLD, "tools.strict", TOLD),
    ),
]  # fmt: skip
ANTHROPIC = [
    ("top_k", ASK, fields(top_k=77), "77", ("top_k", "top_k", TOLD, TOLD)),
    ("metadata", ASK, fields(metadata={"user_id": "MARK"}), "MARK", (TOLD, TOLD, TOLD, "user")),
    ("service_tier", ASK, fields(service_tier="auto"), "service_tier", only("service_tier", "anthropic")),
    ("a field nobody knows", ASK, fields(x_mark=1), "x_mark", only("x_mark", "anthropic")),
    (
        "a tool of the provider's", ASK, fields(tools=[{"type": "web_search_20250305", "name": "web_search"}]),
        "web_search", refused_but("anthropic"),
    ),
    (
        "servers of tools", ASK, fields(mcp_servers=[{"type": "url", "url": "https://x.example", "name": "x"}]),
        "mcp_servers", refused_but("anthropic"),
    ),
    (
        "no servers of tools", ASK, fields(mcp_servers=[]), "mcp_servers", only("mcp_servers", "anthropic"),
    ),
    ("schema", ASK, fields(output_config={"format": {"type": "json_schema", "schema": SCHEMA}}), "MARK", SAME),
    (
        "document by address", ASK,
        user({"type": "document", "source": {"type": "url", "url": "https://x.example/MARK.pdf"}}), "MARK",
        (REFUSED, TOLD, TOLD, TOLD),
    ),
    (
        "an answer to be continued", ASK,
        lambda body: body["messages"].append({"role": "assistant", "content": "MARK"}), "MARK",
        only("messages[1] (an answer to be continued)", "anthropic"),
    ),
    (
        "a tool that failed", RESULTS, lambda body: body["messages"][-1]["content"][0].update(is_error=True),
        r'is_error|"error"', (*["messages.is_error"] * 2, TOLD, TOLD),
    ),
    (
        "a picture in a tool's result", RESULTS, picture_in_result, "MARK",
        ("messages[2].content (its place)", TOLD, TOLD, TOLD),
    ),
    (
        "one call at a time", TOOLS, fields(tool_choice={"type": "auto", "disable_parallel_tool_use": True}),
        "parallel", (TOLD, TOLD, TOLD, "parallel_tool_calls"),
    ),
    (
        "a budget of thought", ASK, fields(thinking={"type": "enabled", "budget_tokens": 2000}), "2000",
        ("thinking_tokens", "thinking_tokens", TOLD, TOLD),
    ),
]  # fmt: skip
GEMINI = [
    ("topK", ASK, config(topK=77), "77", ("top_k", "top_k", TOLD, TOLD)),
    ("seed", ASK, config(seed=7777), "7777", (TOLD, "seed", "seed", TOLD)),
    ("candidateCount", ASK, config(candidateCount=2), r'"(n|candidateCount)": ?2', (TOLD, REFUSED, REFUSED, TOLD)),
    ("responseLogprobs", ASK, config(responseLogprobs=True), "ogprobs", (TOLD, TOLD, REFUSED, TOLD)),
    (
        "mediaResolution", ASK, config(mediaResolution="MEDIA_RESOLUTION_LOW"), "MEDIA_RES",
        only("generationConfig.mediaResolution", "gemini"),
    ),
    ("sound wanted", ASK, config(responseModalities=["AUDIO"]), "AUDIO", refused_but("gemini")),
    ("a field nobody knows", ASK, config(xMark=1), "xMark", only("generationConfig.xMark", "gemini")),
    ("safetySettings", ASK, fields(safetySettings=[]), "safety", only("safetySettings", "gemini")),
    ("a tool of the provider's", ASK, fields(tools=[{"googleSearch": {}}]), "googleS", refused_but("gemini")),
    (
        "schema", ASK, config(responseMimeType="application/json", responseJsonSchema=SCHEMA), "MARK", SAME,
    ),
    (
        "sound", ASK, part({"inlineData": {"mimeType": "audio/wav", "data": "MARK"}}), "MARK",
        (TOLD, TOLD, REFUSED, TOLD),
    ),
    (
        "film", ASK, part({"inlineData": {"mimeType": "video/mp4", "data": "MARK"}}), "MARK",
        (TOLD, REFUSED, REFUSED, TOLD),
    ),
    (
        "file by address", ASK, part({"fileData": {"mimeType": "application/pdf", "fileUri": "https://x.example/MARK"}}),
        "MARK", (REFUSED, TOLD, TOLD, TOLD),
    ),
    (
        "a budget of thought", ASK, config(thinkingConfig={"thinkingBudget": 2000}), "2000",
        ("thinking_tokens", "thinking_tokens", TOLD, TOLD),
    ),
]  # fmt: skip
TABLES = {"openai.chat": CHAT, "responses": RESPONSES, "anthropic.messages": ANTHROPIC, "gemini.generate": GEMINI}
ROWS = [
    pytest.param(protocol, *row, id=f"{protocol}-{row[0]}".replace(" ", "-"))
    for protocol, rows in TABLES.items()
    for row in rows
]
# Stated because it stands elsewhere, or cannot mean the same; it is told all the same.
TOLD_ALL_THE_SAME = re.compile(r"\((its place|an answer to be continued)\)$")


@pytest.mark.parametrize(("protocol", "field", "ask", "change", "mark", "outcomes"), ROWS)
def test_told_refused_or_stated(matrix, protocol, field, ask, change, mark, outcomes):
    seen = {}
    for wire, expected in zip(WIRES, outcomes, strict=True):
        cell = Cell(matrix, PROTOCOLS[protocol], wire)
        body = cell.protocol.body_of(ask.to(f"{wire}/mock"), False)
        change(body)
        reply = cell.post(f"{wire}/mock", body)
        if expected == REFUSED:
            seen[wire] = cell.protocol.error_of(reply.body), reply.status
            assert seen[wire] == ("model_cannot", 400), wire
            continue
        assert reply.status == 200, (wire, reply.body)
        assert reply.dropped == ([expected] if expected else []), wire
        told = re.search(mark, matrix.last().decode()) is not None
        assert told is (not expected or TOLD_ALL_THE_SAME.search(expected) is not None), wire
