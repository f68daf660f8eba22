"""Who is asking, behind proxies of the house: the address in X-Forwarded-For, as far as it can be believed.

Each proxy appends the address it was asked from, so the list is read from its end: the first address that is no proxy
of ours is the client's. What stands further left anybody could have written. A wrap around the application, put there
only where proxies are named; it knows nothing of what is asked.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from zhongshu.api.asgi import App, Receive, Scope, Send

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Forwarded:
    """The application behind proxies. trusted: their addresses or networks ("10.0.0.0/8")."""

    def __init__(self, app: App, trusted: Sequence[str]) -> None:
        self._app = app
        self._trusted: tuple[Network, ...] = tuple(ipaddress.ip_network(each) for each in trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the client's own address in the scope."""
        client = scope.get("client")
        if client:
            address = self._client(client[0], scope)
            if address != client[0]:
                scope["client"] = (address, 0)
        await self._app(scope, receive, send)

    def _client(self, peer: str, scope: Scope) -> str:
        believed = _read(peer)
        if believed is None or not self._ours(believed):
            return peer
        said = b",".join([value for name, value in scope["headers"] if name == b"x-forwarded-for"])
        for written in reversed(said.decode("latin-1").split(",")):
            address = _read(written)
            if address is None:  # empty, "unknown" or a name: whoever wrote it is as far as we can see
                break
            believed = address
            if not self._ours(address):
                break
        return str(believed)

    def _ours(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def _read(written: str) -> Address | None:
    """An address as proxies write it: "10.0.0.1", "10.0.0.1:80", "2001:db8::1" or "[2001:db8::1]:80"."""
    text = written.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
