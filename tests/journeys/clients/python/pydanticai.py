"""pydantic-ai, unchanged but for the address. Prints one JSON line of what it saw."""

import asyncio
import json
import os

from pydantic import BaseModel
from pydantic_ai import Agent, ModelHTTPError
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

provider = OpenAIProvider(base_url=os.environ["BASE"], api_key=os.environ["KEY"])
seen = {}
asked = []


class Weather(BaseModel):
    """What the weather tool is asked."""

    city: str
    unit: str


def get_weather(city: str, unit: str) -> str:
    """The weather of a city."""
    asked.append(city)
    return "sunny"


async def main() -> None:
    seen["plain"] = (await Agent(OpenAIChatModel("mock", provider=provider)).run("hi")).output
    async with Agent(OpenAIChatModel("mock", provider=provider)).run_stream("hi") as result:
        seen["streamed"] = "".join([text async for text in result.stream_text(delta=True)])
        seen["used"] = result.usage.output_tokens
    agent = Agent(OpenAIChatModel("agent-pydantic-ai", provider=provider), tools=[get_weather])
    seen["agent"] = [(await agent.run("What is the weather?")).output]
    async with agent.run_stream("What is the weather?") as result:
        seen["agent"].append(await result.get_output())
    seen["asked"] = asked
    shaped = Agent(OpenAIChatModel("shaped-pydantic-ai", provider=provider), output_type=Weather)
    seen["shaped"] = (await shaped.run("hi")).output.model_dump()
    seen["responses"] = (await Agent(OpenAIResponsesModel("mock", provider=provider)).run("hi")).output
    try:
        await Agent(OpenAIChatModel("none", provider=provider)).run("hi")
    except ModelHTTPError as error:
        seen["error"] = [type(error).__name__, error.status_code, error.body["code"]]


asyncio.run(main())
print(json.dumps(seen))
