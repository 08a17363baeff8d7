"""The shared stack, warm: these protocols do not wait for long."""

import httpx
import pytest

from retinoscope.stack import Stack
from tests.service.inference.asking import NAME
from tests.wait import wait_until


@pytest.fixture(scope="session")
def stack(stack: Stack) -> Stack:
    """Return the stack once a worker has loaded and described the default model."""
    url = f"{stack.plan.address}/v1/models/{NAME}"
    wait_until(lambda: httpx.get(url).json()["weights"], 180)
    assert httpx.get(f"{url}/layers", params={"wait": 60}, timeout=90).is_success
    return stack
