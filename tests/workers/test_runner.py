"""What a worker's child tells of models: those of one's own are described anew when it starts."""

import threading
import time
from pathlib import Path

import pytest
from redis import Redis, RedisError

from catalog.models import ModelDescription, models
from jobs.noticeboard import Noticeboard
from jobs.settings import Settings
from tests.digits import make_digits
from workers.runner import Runner


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETINOSCOPE_MODELS", str(make_digits(tmp_path).file))
    models.cache_clear()
    yield
    models.cache_clear()


@pytest.mark.usefixtures("own")
def test_a_model_that_was_trained_anew_is_described_anew(settings: Settings, redis: Redis) -> None:
    board = Noticeboard(redis)
    stale = ModelDescription(model="old", parameters=1, rectifiers=0, layers=[]).model_dump_json()
    for name in ("digits", "resnet18"):
        board.describe(name, stale)
    runner = Runner(settings, lambda: False)
    runner.warm([])
    assert board.description("digits") is None and board.description("resnet18") == stale
    runner.describe("digits")
    described = ModelDescription.model_validate_json(board.description("digits"))
    assert described.layers[0].shape == [16, 8, 8] and described.weights is None


@pytest.mark.usefixtures("own")
def test_a_model_that_is_loaded_is_described_with_its_weights_whenever_asked(settings: Settings, redis: Redis) -> None:
    board, runner = Noticeboard(redis), Runner(settings, lambda: False)
    runner.warm(["digits"])
    first = board.description("digits")
    Runner(settings, lambda: False).warm([])  # another worker starts
    assert board.description("digits") is None
    runner.describe("digits")
    assert board.description("digits") == first and "sha256:" in first


def test_whatever_one_of_several_raises_all_are_waited_for(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The leases end when the call returns: nobody may be at work then."""
    runner, ended = Runner(settings, lambda: False), threading.Event()

    def attempt(lease: str, together: int) -> str:
        if lease == "broken":
            raise RedisError
        time.sleep(0.3)
        ended.set()
        return "done"

    monkeypatch.setattr(runner, "_attempt", attempt)
    with pytest.raises(RedisError):
        runner._attempts(["broken", "slow"])
    assert ended.is_set()
