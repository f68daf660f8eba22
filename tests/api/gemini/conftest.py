"""One request to Google's endpoints, over the same in-memory house as the other protocols."""

import asyncio

import msgspec
import pytest

from tests.api.conftest import House, Response


class Google:
    """A house asked in Google's words."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def send(self, method, path, body=b"", query=b"", headers=None):
        given = {"x-goog-api-key": "zs_test"} if headers is None else headers
        scope = {
            "type": "http", "method": method, "path": path, "query_string": query, "client": ("127.0.0.1", 5),
            "headers": [(k.encode(), v.encode()) for k, v in given.items()],
        }  # fmt: skip
        out = []
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        arriving = [{"type": "http.request", "body": data, "more_body": False}]

        async def receive():
            if arriving:
                return arriving.pop(0)
            await asyncio.Event().wait()

        async def send(message):
            out.append(message)

        await asyncio.wait_for(self.house.app(scope, receive, send), 60)
        return Response(out)

    async def generate(self, model="small", query=b"", method="generateContent", **fields):
        body = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}], **fields}
        return await self.send("POST", f"/v1beta/models/{model}:{method}", body, query)

    def asked(self):
        """What the upstream was asked last."""
        return msgspec.json.decode(self.house.transport.requests[-1].body)


@pytest.fixture
def google():
    return lambda reply, **kinds: Google(House(reply, **kinds))
