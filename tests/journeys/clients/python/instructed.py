"""instructor, unchanged but for the address. Prints one JSON line of what it saw."""

import json
import os

import instructor
from instructor.core.exceptions import InstructorRetryException
from openai import OpenAI
from pydantic import BaseModel

seen = {}
messages = [{"role": "user", "content": "What is the weather?"}]


class Weather(BaseModel):
    """What the weather tool is asked."""

    city: str
    unit: str


def client(mode: instructor.Mode):
    plain = OpenAI(base_url=os.environ["BASE"], api_key=os.environ["KEY"], max_retries=0)
    return instructor.from_openai(plain, mode=mode)


MODES = {"tools": instructor.Mode.TOOLS, "json": instructor.Mode.JSON, "schema": instructor.Mode.JSON_SCHEMA}
for name, mode in MODES.items():
    model = "shaped-instructor" if name == "tools" else "json-instructor"
    create = client(mode).chat.completions
    made = create.create(model=model, messages=messages, response_model=Weather, max_retries=0)
    seen[name] = made.model_dump()
    pieces = list(create.create_partial(model=model, messages=messages, response_model=Weather, max_retries=0))
    seen[f"{name} streamed"] = pieces[-1].model_dump()
try:
    create.create(model="none", messages=messages, response_model=Weather, max_retries=0)
except InstructorRetryException as error:
    seen["error"] = "model_not_found" in str(error)
print(json.dumps(seen))
