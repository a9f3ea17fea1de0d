"""The walls around every test hold."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import pytest

# Addresses that are reserved for documentation (RFC 5737, RFC 3849): nobody is there.
ELSEWHERE = [(socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"), (socket.AF_INET, "example.org")]


@pytest.mark.parametrize("method", ["connect", "connect_ex"])
@pytest.mark.parametrize(("family", "host"), ELSEWHERE)
def test_that_no_test_reaches_another_machine(family: socket.AddressFamily, host: str, method: str):
    with (
        socket.socket(family) as away,
        pytest.raises(pytest.fail.Exception, match=rf"{host}:80\. Tests talk to loopback only"),
    ):
        getattr(away, method)((host, 80))


async def test_that_a_coroutine_does_not_reach_another_machine_either():
    with pytest.raises(pytest.fail.Exception, match="loopback only"):
        await asyncio.open_connection("192.0.2.1", 80)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_that_loopback_is_open(host: str):
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as near:
        near.connect((host, server.getsockname()[1]))


def test_that_a_test_sees_neither_the_home_nor_the_settings_of_who_runs_it(tmp_path: Path):
    home = Path.home()
    assert tmp_path.parent in home.parents
    assert not list(home.iterdir())
    assert not [name for name in os.environ if name.startswith("HEARTLINE_")]
