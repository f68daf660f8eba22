"""TLS and proxies, against little servers with a certificate made on the spot."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from zhongshu.core.problems import Fault
from zhongshu.upstreams.transport import HttpTransport, Request

ASK = Request("POST", "/x", b"hello")
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for localhost and 127.0.0.1, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return file


@contextlib.asynccontextmanager
async def listening(handler: Handler, certificate: Path | None = None) -> AsyncIterator[int]:
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            await handler(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Echo each request."""
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        body = head + await reader.readexactly(5)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """Pass bytes both ways between a client and a local port."""
    inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))


def connect_proxy(seen: list[bytes], credential: bytes | None = None) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head)
        if credential is not None and credential not in head:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
            return await writer.drain()
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await join(reader, writer, int(head.split(b" ")[1].rsplit(b":", 1)[1]))
        return None

    return handle


def socks_proxy(seen: list[bytes], user: bytes = b"") -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, count = await reader.readexactly(2)
        offered = await reader.readexactly(count)
        writer.write(b"\x05\x02" if user else b"\x05\x00")
        if user:
            assert offered == b"\x02"
            _, length = await reader.readexactly(2)
            name = await reader.readexactly(length)
            password = await reader.readexactly((await reader.readexactly(1))[0])
            writer.write(b"\x01\x00" if name + b":" + password == user else b"\x01\x01")
        head = await reader.readexactly(4)
        size = {1: 4, 4: 16}.get(head[3]) or (await reader.readexactly(1))[0]
        host, port = await reader.readexactly(size), int.from_bytes(await reader.readexactly(2), "big")
        seen.append(head[3:] + host)
        writer.write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        await join(reader, writer, port)

    return handle


async def ask(url: str, **options: str) -> bytes:
    t = HttpTransport("there", url, **options)  # type: ignore[arg-type]
    try:
        return (await t.send(ASK)).body
    finally:
        await t.aclose()


async def code_of(url: str, **options: str) -> str:
    with pytest.raises(Fault) as caught:
        await ask(url, **options)
    return caught.value.problem.code


async def test_tls_with_a_certificate_that_is_trusted(certificate: Path) -> None:
    async with listening(answer, certificate) as port:
        for host in ("localhost", "127.0.0.1"):
            assert (await ask(f"https://{host}:{port}", ca_file=str(certificate))).endswith(b"hello")


async def test_tls_with_one_that_is_not(certificate: Path) -> None:
    async with listening(answer, certificate) as port:
        assert await code_of(f"https://localhost:{port}") == "upstream_unreachable"


async def test_tls_with_another_name(certificate: Path) -> None:
    async with listening(answer, certificate) as port:
        assert await code_of(f"https://127.0.0.2:{port}", ca_file=str(certificate)) == "upstream_unreachable"


async def test_tls_through_a_connect_proxy(certificate: Path) -> None:
    seen: list[bytes] = []
    async with listening(answer, certificate) as port, listening(connect_proxy(seen)) as proxy:
        url, by = f"https://localhost:{port}", f"http://127.0.0.1:{proxy}"
        assert (await ask(url, proxy=by, ca_file=str(certificate))).startswith(b"POST /x HTTP/1.1\r\n")
    assert seen[0].startswith(b"CONNECT localhost:%d HTTP/1.1\r\n" % port)


async def test_a_connect_proxy_that_wants_a_name(certificate: Path) -> None:
    seen: list[bytes] = []
    wanted = b"Proxy-Authorization: Basic dXNlcjpwQHNz\r\n"
    async with listening(answer, certificate) as port, listening(connect_proxy(seen, wanted)) as proxy:
        url, ca = f"https://localhost:{port}", str(certificate)
        assert await ask(url, proxy=f"http://user:p%40ss@127.0.0.1:{proxy}", ca_file=ca)
        assert await code_of(url, proxy=f"http://127.0.0.1:{proxy}", ca_file=ca) == "upstream_unreachable"


async def test_a_plain_proxy_that_wants_a_name() -> None:
    async with listening(answer) as proxy:
        text = await ask("http://model.example/v1", proxy=f"http://user:p%40ss@127.0.0.1:{proxy}")
    assert text.startswith(b"POST http://model.example/v1/x HTTP/1.1\r\nHost: model.example\r\n")
    assert b"Proxy-Authorization: Basic dXNlcjpwQHNz\r\n" in text


@pytest.mark.parametrize(("scheme", "address"), [("socks5h", b"\x03localhost"), ("socks5", b"\x01\x7f\x00\x00\x01")])
async def test_tls_through_socks(certificate: Path, scheme: str, address: bytes) -> None:
    seen: list[bytes] = []
    async with listening(answer, certificate) as port, listening(socks_proxy(seen, b"me:secret")) as proxy:
        by = f"{scheme}://me:secret@127.0.0.1:{proxy}"
        host = "localhost" if scheme == "socks5h" else "127.0.0.1"
        assert (await ask(f"https://{host}:{port}", proxy=by, ca_file=str(certificate))).endswith(b"hello")
        wrong = f"{scheme}://me:wrong@127.0.0.1:{proxy}"
        assert await code_of(f"https://{host}:{port}", proxy=wrong) == "upstream_unreachable"
    assert seen[0] == address


async def test_a_proxy_that_is_not_there() -> None:
    for scheme in ("http", "socks5"):
        assert await code_of("https://model.example", proxy=f"{scheme}://127.0.0.1:1") == "upstream_unreachable"
