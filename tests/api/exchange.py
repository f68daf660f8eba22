"""One request to an application over ASGI, as a server would bring it."""

import asyncio


async def exchange(app, method, path, body=b"", headers=None, *, leave_after=None, **said):
    """The messages of its reply. The path may have a query. leave_after: the client goes away after so many of them.
    said: more of the scope."""
    path, _, query = path.partition("?")
    scope = {
        "type": "http", "method": method, "path": path, "query_string": query.encode(), "client": ("127.0.0.1", 5),
        "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()], **said,
    }  # fmt: skip
    out, gone = [], asyncio.Event()
    arriving = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive():
        if arriving:
            return arriving.pop(0)
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        out.append(message)
        if leave_after is not None and len(out) == leave_after:
            gone.set()
            await asyncio.sleep(0.02)

    await asyncio.wait_for(app(scope, receive, send), 60)
    return out
