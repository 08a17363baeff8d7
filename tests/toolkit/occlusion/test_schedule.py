"""The number of batches: fewer, whose windows fit worse, if each has many weights to read."""

import pytest

from tests.tiny import tiny_model
from tests.toolkit.occlusion.comparing import Both
from workers.toolkit.occlusion import schedule
from workers.toolkit.occlusion.grid import rectangles


def test_weights_to_read_make_fewer_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "_START_OF_BATCH", 0.0)
    batches = []
    for price in (0.0, 30.0, 1e6):
        monkeypatch.setattr(schedule, "_READ_WEIGHT", price)
        both = Both(tiny_model(double=True).network.module, rectangles(32, 32, 5, 2), most=300)
        both.assert_equal()
        batches.append(len(both.schedule.batches))
    assert batches[0] > batches[1] >= batches[2] == 1
