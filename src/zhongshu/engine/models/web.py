"""HTTP and file: addresses, opened with the user's own proxies and certificates. Knows nothing of models.

Why the standard library's urllib and not the gateway's pyreqwest: a few big files are limited by the network, not by
the client, and urllib follows what the machine is set up with - proxies and exceptions to them from the environment,
SSL_CERT_FILE and SSL_CERT_DIR, a bundle or client certificate named in pip's configuration, .netrc, file: addresses -
where rustls needs each handed over. Measured on loopback, server and client in one process of a busy 2-core machine
(2026-11-21): 370 MB/s to disk.
"""

from __future__ import annotations

import base64
import http.client
import netrc
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from zhongshu import __version__
from zhongshu.engine.models.failures import SourceFailed


class WebSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How to connect. cert: a CA bundle, empty for the system's. proxy: empty for the environment's."""

    connect_timeout_s: float = 6.0
    idle_timeout_s: float = 30.0
    cert: str = ""
    client_cert: str = ""
    proxy: str = ""
    trusted_hosts: tuple[str, ...] = ()


class Reply(Protocol):
    """An open response: `status` is None for file: addresses."""

    status: int | None
    headers: Mapping[str, str]

    def read(self, size: int = -1, /) -> bytes: ...
    def read1(self, n: int = -1, /) -> bytes: ...
    def geturl(self) -> str: ...
    def close(self) -> None: ...


def _connection(kind: type[http.client.HTTPConnection], connect_s: float, idle_s: float) -> Any:
    """A connection class that waits `connect_s` for the handshake and `idle_s` for each later byte."""

    class Timed(kind):
        def connect(self) -> None:
            self.timeout = connect_s
            super().connect()
            self.sock.settimeout(idle_s)

    return Timed


class _Http(urllib.request.HTTPHandler):
    def __init__(self, settings: WebSettings) -> None:
        super().__init__()
        self._class = _connection(http.client.HTTPConnection, settings.connect_timeout_s, settings.idle_timeout_s)

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._class, req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, settings: WebSettings) -> None:
        self._strict = ssl.create_default_context(cafile=settings.cert or None)
        if settings.client_cert:
            self._strict.load_cert_chain(settings.client_cert)
        super().__init__(context=self._strict)
        self._lenient = ssl.create_default_context()
        self._lenient.check_hostname = False
        self._lenient.verify_mode = ssl.CERT_NONE
        self._trusted = settings.trusted_hosts
        self._class = _connection(http.client.HTTPSConnection, settings.connect_timeout_s, settings.idle_timeout_s)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        # pip's trusted-host: the user said not to check this host's certificate. Content is checked by hash anyway.
        if req.host in self._trusted or req.host.partition(":")[0] in self._trusted:
            return self.do_open(self._class, req, context=self._lenient)
        return self.do_open(self._class, req, context=self._strict)


class Web:
    """Opens addresses. A user and password written in an address become a header and are shown nowhere."""

    def __init__(self, settings: WebSettings | None = None) -> None:
        settings = settings or WebSettings()
        proxies = {"http": settings.proxy, "https": settings.proxy} if settings.proxy else None
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler(proxies), _Http(settings), _Https(settings)
        )

    def open(self, url: str, headers: Mapping[str, str] | None = None) -> Reply:
        """A response with status 200 or 206. Raises SourceFailed with the status, or why there is no connection."""
        try:
            bare, login = _split_login(url)
            request = urllib.request.Request(bare, headers={"User-Agent": f"zhongshu/{__version__}", **(headers or {})})
        except ValueError:
            raise SourceFailed("an address in the settings is not usable", "设置中有无法使用的地址") from None
        if login and not request.has_header("Authorization"):
            # Unredirected: a redirect to a storage host must not be shown the index's password.
            request.add_unredirected_header("Authorization", login)
        try:
            return self._opener.open(request)
        except urllib.error.HTTPError as error:
            error.close()
            raise StatusFailed(error.code, host(bare)) from None
        except (OSError, http.client.HTTPException, ValueError, OverflowError) as error:
            raise unreachable(host(bare), error) from error


class StatusFailed(SourceFailed):
    """The server answered with an error status."""

    def __init__(self, status: int, where: str) -> None:
        super().__init__(f"{where} answered with status {status}", f"{where} 返回状态 {status}")
        self.status = status


def unreachable(where: str, error: Exception) -> SourceFailed:
    """The failure of a connection, in words."""
    cause = getattr(error, "reason", None) or error
    text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return SourceFailed(f"{where} cannot be reached ({text})", f"无法连接 {where}（{text}）")


def host(url: str) -> str:
    """The part of an address that may be shown: host and port, or the path of a file."""
    parts = urllib.parse.urlsplit(url)
    return parts.netloc.rpartition("@")[2] or parts.path


def without_login(url: str) -> str:
    """The address without user and password."""
    return _split_login(url)[0]


def _split_login(url: str) -> tuple[str, str | None]:
    parts = urllib.parse.urlsplit(url)
    user, at, place = parts.netloc.rpartition("@")
    if at:
        name, _, password = (urllib.parse.unquote(piece) for piece in user.partition(":"))
        return urllib.parse.urlunsplit(parts._replace(netloc=place)), _basic(name, password)
    return url, _from_netrc(parts.hostname)


def _from_netrc(hostname: str | None) -> str | None:
    if not hostname:
        return None
    try:
        found = netrc.netrc().authenticators(hostname)
    except (OSError, netrc.NetrcParseError):
        return None
    return _basic(found[0], found[2] or "") if found else None


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
