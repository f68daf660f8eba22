"""A proxy with nothing in it: a plain ASGI function under uvicorn that passes a body on through pyreqwest and back, or a
stream piece by piece.

    python -m benchmarks.bare PORT UPSTREAM

No key, no limit, no decoding, no journal. It is what a Python gateway on this machine cannot well be faster than without
a server and a client of its own, so a benchmark's other figures are read beside it: a machine at half the speed halves
both. The machine on which the project's targets were set did 20,000 to 25,000 of its requests a second on one core.
"""

import sys

import uvicorn
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.request import RequestBuilder

_HEADERS = [(b"content-type", b"application/json")]


class Bare:
    """The ASGI function; its client opens with the first request, on the loop that serves."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._client: Client | None = None

    async def __call__(self, scope, receive, send) -> None:
        if self._client is None:
            self._client = ClientBuilder().build()
        body = (await receive())["body"]
        asked = self._client.post(self._upstream + scope["path"]).headers({"content-type": "application/json"})
        if b'"stream":true' in body:
            return await self._stream(asked.body_bytes(body), send)
        reply = await asked.body_bytes(body).build().send()
        answer = bytes(await reply.bytes())
        await send({"type": "http.response.start", "status": reply.status, "headers": _HEADERS})
        await send({"type": "http.response.body", "body": answer})

    async def _stream(self, asked: RequestBuilder, send) -> None:
        async with asked.streamed_read_buffer_limit(0).build_streamed() as reply:
            head = [(b"content-type", b"text/event-stream")]
            await send({"type": "http.response.start", "status": reply.status, "headers": head})
            while (chunk := await reply.body_reader.read_chunk()) is not None:
                await send({"type": "http.response.body", "body": bytes(chunk), "more_body": True})
            await send({"type": "http.response.body", "body": b""})


def main() -> None:
    port, upstream = (int(word) for word in sys.argv[1:])
    app = Bare(f"http://127.0.0.1:{upstream}")
    uvicorn.run(app, port=port, loop="uvloop", http="httptools", lifespan="off", access_log=False, log_level="error")


if __name__ == "__main__":
    main()
