"""Whom this process trusts when it speaks TLS."""

from __future__ import annotations

import ssl
from functools import cache

__all__ = ["authorities"]


@cache  # 30 ms, so not for every reply and every packet
def authorities() -> ssl.SSLContext:
    """Those that the machine trusts, or that SSL_CERT_FILE names; read once, for all threads and event loops."""
    import httpx2

    return httpx2.create_ssl_context()
