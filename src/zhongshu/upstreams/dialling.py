"""Getting connected: plainly, over TLS, through an HTTP proxy (absolute form or CONNECT) or a SOCKS5 proxy.

Knows addresses, certificates and proxies; knows nothing of what will be asked. Sources: RFC 9112 (HTTP/1.1), RFC 9110
section 9.3.6 (CONNECT), RFC 1928 and 1929 (SOCKS5).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from zhongshu.upstreams.connection import Connection

_MOST_REPLY_BYTES = 16_384


class ProxyRefused(OSError):
    """The proxy answered, and said no."""


class Address(NamedTuple):
    """Where to connect to."""

    host: str
    port: int
    tls: bool


@lru_cache
def trusted(ca_file: str) -> ssl.SSLContext:
    """Certificates we trust: the system's, or those of a PEM file. Read once: it takes tens of milliseconds."""
    return ssl.create_default_context(cafile=ca_file or None)


class Dialler:
    """Connects to one upstream. proxy: "http://", "socks5://" (names resolved here) or "socks5h://" (by the proxy),
    each with `user:password@` if need be; "system" for the environment's; None for none."""

    def __init__(self, base_url: str, proxy: str | None = None, ca_file: str = "") -> None:
        parts = urlsplit(base_url)
        if not parts.hostname:
            raise ValueError("base_url: give an address such as https://example.com/v1")
        tls = parts.scheme == "https"
        self.address = Address(parts.hostname, parts.port or (443 if tls else 80), tls)
        self._ca_file = ca_file
        if proxy == "system":
            proxy = None if proxy_bypass(parts.hostname) else getproxies().get(parts.scheme)
        self._proxy = urlsplit(proxy) if proxy else None
        self.absolute_form = self._proxy is not None and self._proxy.scheme == "http" and not tls

    @property
    def proxy_headers(self) -> tuple[tuple[str, str], ...]:
        """What a proxy that is asked in absolute form wants with each request."""
        credential = _basic(self._proxy) if self._proxy is not None and self.absolute_form else None
        return (("Proxy-Authorization", credential),) if credential else ()

    async def connect(self, made: Callable[[], Connection]) -> Connection:
        """An open connection. Raises OSError when there is none to be had (ssl.SSLError and ProxyRefused are such)."""
        loop = asyncio.get_running_loop()
        host, port, tls = self.address
        context = trusted(self._ca_file) if tls else None
        if self._proxy is None:
            _, connection = await loop.create_connection(made, host, port, ssl=context)
            return connection
        opened = await _open(self._proxy.hostname or "", self._proxy.port or _usual_port(self._proxy))
        try:
            await self._pass(opened, self._proxy)
            server_hostname = host if tls else None
            _, connection = await loop.create_connection(
                made, sock=opened, ssl=context, server_hostname=server_hostname
            )
        except BaseException:
            opened.close()
            raise
        return connection

    async def _pass(self, opened: socket.socket, proxy: SplitResult) -> None:
        """Have the proxy connect us on."""
        if proxy.scheme.startswith("socks5"):
            await _socks5(opened, proxy, self.address)
        elif not self.absolute_form:
            await _connect_tunnel(opened, proxy, self.address)


def _usual_port(proxy: SplitResult) -> int:
    return 1080 if proxy.scheme.startswith("socks5") else 80


async def _open(host: str, port: int) -> socket.socket:
    """A connected socket; each of the host's addresses is tried."""
    loop = asyncio.get_running_loop()
    failed: OSError = OSError("the name has no address")
    for family, kind, proto, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        opened = socket.socket(family, kind, proto)
        opened.setblocking(False)
        try:
            await loop.sock_connect(opened, address)
        except OSError as error:
            opened.close()
            failed = error
        except BaseException:
            opened.close()
            raise
        else:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return opened
    raise failed


async def _connect_tunnel(opened: socket.socket, proxy: SplitResult, to: Address) -> None:
    loop = asyncio.get_running_loop()
    host = f"[{to.host}]" if ":" in to.host else to.host
    credential = _basic(proxy)
    lines = [f"CONNECT {host}:{to.port} HTTP/1.1", f"Host: {host}:{to.port}"]
    if credential:
        lines.append(f"Proxy-Authorization: {credential}")
    await loop.sock_sendall(opened, ("\r\n".join(lines) + "\r\n\r\n").encode("ascii"))
    reply = b""
    while b"\r\n\r\n" not in reply:
        more = await loop.sock_recv(opened, 4096)
        reply += more
        if not more or len(reply) > _MOST_REPLY_BYTES:
            raise ProxyRefused("the proxy gave no answer")
    status = reply.split(b" ", 2)[1:2]
    if status != [b"200"]:
        raise ProxyRefused("the proxy refused to connect")


async def _socks5(opened: socket.socket, proxy: SplitResult, to: Address) -> None:
    loop = asyncio.get_running_loop()
    user, password = unquote(proxy.username or "").encode(), unquote(proxy.password or "").encode()
    await loop.sock_sendall(opened, b"\x05\x01\x02" if user else b"\x05\x01\x00")
    version, method = await _exactly(opened, 2)
    if version != 5 or method == 0xFF:
        raise ProxyRefused("the proxy is not SOCKS5 or wants another way to sign in")
    if method == 2:
        await loop.sock_sendall(opened, b"\x01%c%b%c%b" % (len(user), user, len(password), password))
        if (await _exactly(opened, 2))[1] != 0:
            raise ProxyRefused("the proxy refused our name")
    await loop.sock_sendall(opened, b"\x05\x01\x00" + await _socks_address(proxy.scheme, to))
    _, status, _, kind = await _exactly(opened, 4)
    if status != 0:
        raise ProxyRefused("the proxy could not connect")
    length = {1: 4, 4: 16}.get(kind) or (await _exactly(opened, 1))[0]
    await _exactly(opened, length + 2)


async def _socks_address(scheme: str, to: Address) -> bytes:
    port = to.port.to_bytes(2, "big")
    if scheme == "socks5h":
        name = to.host.encode("idna")
        return b"\x03%c%b%b" % (len(name), name, port)
    found = await asyncio.get_running_loop().getaddrinfo(to.host, to.port, type=socket.SOCK_STREAM)
    family, _, _, _, address = found[0]
    packed = socket.inet_pton(family, str(address[0]))
    return (b"\x01" if family == socket.AF_INET else b"\x04") + packed + port


async def _exactly(opened: socket.socket, size: int) -> bytes:
    loop = asyncio.get_running_loop()
    data = b""
    while len(data) < size:
        more = await loop.sock_recv(opened, size - len(data))
        if not more:
            raise ProxyRefused("the proxy closed the connection")
        data += more
    return data


def _basic(proxy: SplitResult) -> str | None:
    if not proxy.username:
        return None
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return "Basic " + b64encode(pair.encode()).decode()
