"""llama-index-llms-openai-like, unchanged but for the address. Prints one JSON line of what it saw."""

import asyncio
import json
import os

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike
from openai import NotFoundError

seen = {}
asked = []


def model(name: str) -> OpenAILike:
    return OpenAILike(
        model=name, api_base=os.environ["BASE"], api_key=os.environ["KEY"], max_retries=0,
        is_chat_model=True, is_function_calling_model=True, context_window=4096,
    )  # fmt: skip


def get_weather(city: str, unit: str) -> str:
    """The weather of a city."""
    asked.append(city)
    return "sunny"


async def agent(streaming: bool) -> str:
    tools = [FunctionTool.from_defaults(get_weather)]
    made = FunctionAgent(tools=tools, llm=model("agent-llama-index"), streaming=streaming)
    return str(await made.run("What is the weather?"))


messages = [ChatMessage("hi")]
seen["plain"] = model("mock").chat(messages).message.content
seen["streamed"] = "".join(piece.delta or "" for piece in model("mock").stream_chat(messages))
seen["completed"] = model("mock").complete("hi").text
seen["agent"] = [asyncio.run(agent(streaming)) for streaming in (False, True)]
seen["asked"] = asked
try:
    model("none").chat(messages)
except NotFoundError as error:
    seen["error"] = [type(error).__name__, error.status_code, error.code]
print(json.dumps(seen))
