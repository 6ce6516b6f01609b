"""Encrypted hosts: calls and files over TLS, and hosts whose certificate nobody vouches for."""

from __future__ import annotations

import asyncio
import ipaddress
import random
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pinako.client import AsyncClient, Client, Politeness, Retries, sending
from pinako.client.wanted import Wanted
from pinako.errors import UpstreamUnreachable
from scripted_upstream import Reply, Request, Upstream, superjson

FILES = {f"/media/{number}.png": random.Random(number).randbytes(150_000 + number) for number in range(12)}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that vouches for itself, with its key, for this machine."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file = tmp_path_factory.mktemp("tls") / "host.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return file


@pytest.fixture
def encrypted(certificate: Path) -> Iterator[Upstream]:
    """A host with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Upstream(context) as upstream:
        upstream.on("*", give)
        yield upstream


def give(request: Request) -> Reply:
    """A file, also from its middle on."""
    body, headers = FILES[request.path], {"content-type": "image/png", "etag": '"1"'}
    start = int(request.headers.get("range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
    if not start:
        return Reply(200, body, headers)
    return Reply(206, body[start:], {**headers, "content-range": f"bytes {start}-{len(body) - 1}/{len(body)}"})


@pytest.fixture
def trusting(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that trusts the certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    sending.authorities.cache_clear()
    yield
    sending.authorities.cache_clear()


@pytest.mark.usefixtures("trusting")
def test_many_files_come_whole_over_encrypted_connections(encrypted: Upstream, tmp_path: Path) -> None:
    cut = dict.fromkeys(list(FILES)[::3], 70_000)

    def now_and_then(request: Request) -> Reply:
        reply = give(request)
        at = cut.pop(request.path, None)
        return reply if at is None else Reply(reply.status, reply.body, reply.headers, cut=at)

    encrypted.on("*", now_and_then)
    wanted = [Wanted(url=encrypted.url + path, to=tmp_path / Path(path).name, sidecar=b"{}") for path in FILES]
    few = Politeness(requests_per_second=None, transfers_at_once=3, requests_per_day=None)
    with Client(encrypted.url, politeness=few, sleep=lambda seconds: None) as client:
        fetched = list(client.download_all(wanted))
    assert [one.error for one in fetched] == [None] * len(FILES)
    assert not cut
    for path, body in FILES.items():
        assert (tmp_path / Path(path).name).read_bytes() == body
        assert (tmp_path / f"{Path(path).name}.json").read_bytes() == b"{}"
    assert encrypted.connections <= 3 + 4  # each goes on to the next file, but for the four that were cut


@pytest.mark.usefixtures("trusting")
def test_calls_and_single_files_are_encrypted_too(encrypted: Upstream, tmp_path: Path) -> None:
    encrypted.on("/api/trpc/image.get", superjson({"id": 7, "url": "k"}))
    path = next(iter(FILES))
    with Client(encrypted.url, api_key="a-key") as client:
        assert client.image(7).id == 7
        assert client.download(encrypted.url + path, tmp_path / "one.png").size == len(FILES[path])

    async def awaited() -> int:
        async with AsyncClient(encrypted.url, api_key="a-key") as client:
            return (await client.image(7)).id

    assert asyncio.run(awaited()) == 7
    assert {request.headers["authorization"] for request in encrypted.requests} == {"Bearer a-key"}


def test_a_host_that_nobody_vouches_for_is_told_nothing(encrypted: Upstream, tmp_path: Path) -> None:
    sending.authorities.cache_clear()
    wanted = Wanted(url=f"{encrypted.url}/media/1.png", to=tmp_path / "one.png")
    retries = Retries(attempts=2)
    with Client(encrypted.url, api_key="a-key", retries=retries, sleep=lambda seconds: None) as client:
        with pytest.raises(UpstreamUnreachable):
            client.image(7)
        [fetched] = client.download_all([wanted])
        assert isinstance(fetched.error, UpstreamUnreachable)
        assert "certificate" in str(fetched.error)
    assert encrypted.requests == []
    assert list(tmp_path.iterdir()) == []
