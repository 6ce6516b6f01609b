"""Which addresses belong to this machine's own network, where another host has no business to send us."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_internal(url: str) -> bool:
    """Whether an address is this machine, or by its number inside a private network. Names are not looked up."""
    host = (urlsplit(url).hostname or "").lower().rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False
