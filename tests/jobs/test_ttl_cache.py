"""What is remembered for a moment is forgotten after it."""

import pytest

from jobs import ttl_cache
from jobs.ttl_cache import TTLCache


def test_a_value_is_held_for_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(ttl_cache.time, "monotonic", lambda: now)
    held: TTLCache[str, int] = TTLCache(5)
    assert held.get("a") is None
    held.put("a", 1)
    now = 104.9
    assert held.get("a") == 1 and held.get("b") is None
    now = 105.0
    assert held.get("a") is None


def test_it_does_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ttl_cache, "_MOST", 3)
    held: TTLCache[int, int] = TTLCache(60)
    for i in range(10):
        held.put(i, i)
        assert held.get(i) == i
    assert len(held._held) <= 3
