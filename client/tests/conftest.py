"""Fixtures of the client's tests: a real stack, clients of it, and a proxy that misbehaves."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from faulty_proxy import FaultyProxy

from retinoscope.stack import Stack
from retinoscope_client import Client
from tests.conftest import chelsea, coffee, stack

__all__ = ["chelsea", "coffee", "stack"]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RETINOSCOPE_URL", "RETINOSCOPE_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def url(stack: Stack) -> str:
    return stack.plan.address


@pytest.fixture
def rs(url: str) -> Iterator[Client]:
    with Client(url) as client:
        yield client


@pytest.fixture
def proxy(url: str) -> Iterator[FaultyProxy]:
    with FaultyProxy(url) as proxy:
        yield proxy


@pytest.fixture
def photo(tmp_path: Path, coffee: bytes) -> Path:
    path = tmp_path / "photo.png"
    path.write_bytes(coffee)
    return path
