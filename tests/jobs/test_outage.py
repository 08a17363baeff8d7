"""An outage of Redis takes two lines of the log, however long it is."""

import logging

import pytest
from redis import exceptions

from jobs.outage import Outage

log = logging.getLogger(__name__)


def test_an_outage_takes_two_lines_and_is_tried_ever_more_rarely(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outage = Outage("the reconciler", log)
    outage.succeeded()
    for _ in range(2):
        delays = [outage.failed(exceptions.ConnectionError()) for _ in range(6)]
        assert delays == [0.5, 1, 2, 4, 4, 4]
        outage.succeeded()
        outage.succeeded()
    assert caplog.messages == 2 * [
        "the reconciler waits for Redis: ConnectionError",
        "the reconciler has Redis again",
    ]
