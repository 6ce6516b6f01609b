"""Addresses inside this machine's own network, and hosts that send us there."""

from __future__ import annotations

import pytest

from pinako.client.addresses import is_internal
from pinako.client.asks import Answer
from pinako.client.exchange import Host, redirect_target
from pinako.errors import UpstreamNonsense


@pytest.mark.parametrize(
    "url",
    ["http://localhost:8765/x", "http://127.9.9.9/", "http://[::1]/", "http://10.0.0.3/", "https://192.168.1.1:8/a",
     "http://169.254.169.254/latest", "http://[fe80::1]/", "http://0.0.0.0/", "http://[::ffff:127.0.0.1]/"],
)  # fmt: skip
def test_internal(url: str) -> None:
    assert is_internal(url)
    answer = Answer(status=302, headers={"location": url}, body=b"")
    with pytest.raises(UpstreamNonsense, match="own network"):
        redirect_target(Host(origin="https://civitai.com"), "https://civitai.com/a", answer)
    assert redirect_target(Host(origin="http://127.0.0.1:9"), "http://127.0.0.1:9/a", answer)


@pytest.mark.parametrize(
    "url", ["https://civitai.com/a", "http://1.1.1.1/", "https://localhost.example/", "/only/a/path"]
)
def test_outside(url: str) -> None:
    assert not is_internal(url)
