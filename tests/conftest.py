"""What holds for every test: a home of its own, no settings from outside, no network but loopback."""

from __future__ import annotations

import gc
import ipaddress
import os
import socket
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# A busy machine makes examples slow, not wrong.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

# Ten thousand tests and their modules are made, and none of it is garbage.
gc.disable()


def pytest_collection_finish() -> None:
    """What is there by now stays to the end: looking through it again and again takes half a minute."""
    gc.enable()
    gc.freeze()


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes empty folders. `mktemp` looks through all that it made before: a minute for ten thousand tests."""
    folder = tmp_path_factory.mktemp("homes")
    names = (folder / str(number) for number in count())
    home = folder / "none"

    def made() -> Path:
        nonlocal home
        # Most tests leave nothing in theirs, and the next one may have it.
        if not home.is_dir() or any(home.iterdir()):
            home = next(names)
            home.mkdir()
        return home

    return made


@pytest.fixture(autouse=True)
def _home_of_its_own(
    request: pytest.FixtureRequest, new_home: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = new_home()
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(home / name.lower()))
    # Tests of real data are the only ones that may look at a folder of the person who runs them.
    kept = {"HEARTLINE_DATA"} if request.node.get_closest_marker("data") else set()
    for name in {name for name in os.environ if name.startswith("HEARTLINE_")} - kept:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for method in ("connect", "connect_ex"):
            patch.setattr(socket.socket, method, _loopback_only(getattr(socket.socket, method)))
        yield


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Any:
    """An exporter that keeps what this process records: `spans.get_finished_spans()`."""
    sdk = pytest.importorskip("opentelemetry.sdk.trace", reason="needs the `otel` extra")
    from opentelemetry import trace
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), sdk.TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter


def _loopback_only(connect: Callable[[socket.socket, Any], Any]) -> Callable[[socket.socket, Any], Any]:
    def checked(self: socket.socket, address: Any) -> Any:
        if self.family in {socket.AF_INET, socket.AF_INET6} and not _is_loopback(address[0]):
            # Not an `Exception`: code that answers for a server that is gone would hide it.
            pytest.fail(f"A test reached for {address[0]}:{address[1]}. Tests talk to loopback only.")
        return connect(self, address)

    return checked


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"
