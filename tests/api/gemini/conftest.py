"""One request to Google's endpoints, over the same in-memory house as the other protocols."""

import msgspec
import pytest

from tests.api.conftest import House, Response
from tests.api.exchange import exchange


class Google:
    """A house asked in Google's words."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def send(self, method, path, body=b"", query=b"", headers=None):
        given = {"x-goog-api-key": "zs_test"} if headers is None else headers
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return Response(await exchange(self.house.app, method, path, data, given, query_string=query))

    async def generate(self, model="small", query=b"", method="generateContent", **fields):
        body = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}], **fields}
        return await self.send("POST", f"/v1beta/models/{model}:{method}", body, query)

    def asked(self):
        """What the upstream was asked last."""
        return msgspec.json.decode(self.house.transport.requests[-1].body)


@pytest.fixture
def google():
    return lambda reply, **kinds: Google(House(reply, **kinds))
