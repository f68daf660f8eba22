"""langchain-openai, unchanged but for the address. Prints one JSON line of what it saw."""

import json
import os

from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from openai import NotFoundError

seen = {}
asked = []


def model(name: str, **how: object) -> ChatOpenAI:
    return ChatOpenAI(model=name, base_url=os.environ["BASE"], api_key=os.environ["KEY"], max_retries=0, **how)


def joined(chunks):
    whole = None
    for chunk in chunks:
        whole = chunk if whole is None else whole + chunk
    return whole


@tool
def get_weather(city: str, unit: str) -> str:
    """The weather of a city."""
    asked.append(city)
    return "sunny"


plain = model("mock").invoke("hi")
seen["plain"] = plain.content
seen["used"] = plain.usage_metadata["output_tokens"]
streamed = joined(model("mock", stream_usage=True).stream("hi"))
seen["streamed"] = streamed.content
seen["streamed used"] = streamed.usage_metadata["output_tokens"]

agent = model("agent-langchain").bind_tools([get_weather])
for way in (agent.invoke, lambda messages: joined(agent.stream(messages))):
    messages = [HumanMessage("What is the weather?")]
    first = way(messages)
    messages += [first, *[get_weather.invoke(call) for call in first.tool_calls]]
    seen.setdefault("agent", []).append(way(messages).text)
seen["asked"] = asked

responses = model("mock-tools", use_responses_api=True, output_version="responses/v1").bind_tools([get_weather])
seen["responses"] = [call["name"] for call in responses.invoke("hi").tool_calls]
try:
    model("none").invoke("hi")
except NotFoundError as error:
    seen["error"] = [type(error).__name__, error.status_code, error.code]
print(json.dumps(seen))
