"""Certificates, proxies and logins: what the machine is set up with is what is used."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.engine.models.conftest import Page, Site
from zhongshu.engine.models.failures import SourceFailed
from zhongshu.engine.models.web import Web, WebSettings, host, without_login


def certificate(folder: Path) -> Path:
    """A key and a certificate of its own for 127.0.0.1, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path = folder / "server.pem"
    path.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return path


class _Hello(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None: ...

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hello)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def read(web: Web, url: str) -> bytes:
    reply = web.open(url)
    try:
        return reply.read()
    finally:
        reply.close()


def test_a_bundle_of_the_users_own(secure: str, tmp_path: Path) -> None:
    assert read(Web(WebSettings(cert=str(tmp_path / "server.pem"))), f"{secure}/x") == b"hello"


def test_an_unknown_certificate_is_refused_and_named(secure: str) -> None:
    with pytest.raises(SourceFailed, match="certificate"):
        Web().open(f"{secure}/x")


def test_a_host_the_user_trusts(secure: str) -> None:
    for trusted in ("127.0.0.1", secure.removeprefix("https://")):
        assert read(Web(WebSettings(trusted_hosts=(trusted,))), f"{secure}/x") == b"hello"
    with pytest.raises(SourceFailed):
        Web(WebSettings(trusted_hosts=("other.example",))).open(f"{secure}/x")


def test_a_proxy(site: Site) -> None:
    site.pages["http://models.example/x"] = Page(b"through the proxy")
    assert read(Web(WebSettings(proxy=site.url)), "http://models.example/x") == b"through the proxy"


def test_a_login_from_netrc(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    site.pages["/x"] = Page(b"ok", login="Basic bWU6c2VjcmV0")
    assert read(Web(), f"{site.url}/x") == b"ok"


@pytest.mark.parametrize("url", ["nothing", "http://", "http://[::1", "ftp://x.invalid/y", "https://127.0.0.1:99999/"])
def test_addresses_that_lead_nowhere(url: str) -> None:
    with pytest.raises(SourceFailed):
        Web().open(url)


def test_what_may_be_shown_of_an_address() -> None:
    url = "https://user:secret@index.example:8443/simple/x/?q=1"
    assert host(url) == "index.example:8443"
    assert without_login(url) == "https://index.example:8443/simple/x/?q=1"
    assert host("file:///srv/simple") == "/srv/simple"
