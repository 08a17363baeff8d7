"""Open event streams do not keep the service from stopping."""

import signal
import threading
from pathlib import Path

import httpx
import pytest

from tests.retinoscope.serving import serving
from tests.wait import wait_until


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stream_ends_in_good_order_when_the_service_is_stopped(
    tmp_path: Path, coffee: bytes, number: int
) -> None:
    lines: list[str] = []
    broken: list[httpx.HTTPError] = []

    def listen(url: str, address: httpx.URL) -> None:
        try:
            with httpx.stream("GET", address.join(url), timeout=90) as answer:
                lines.extend(answer.iter_lines())
        except httpx.HTTPError as error:
            broken.append(error)

    with serving(tmp_path, RETINOSCOPE_WARM_MODELS="[]") as stack:
        job = stack.client.post(
            "/v1/jobs/saliency", files={"image": coffee}, data={"samples": 1000}
        ).json()
        thread = threading.Thread(
            target=listen, args=(job["urls"]["events"], stack.client.base_url)
        )
        thread.start()
        wait_until(lambda: "retinoscope_event_listeners 1.0" in stack.client.get("/metrics").text)
        api = stack.find("uvicorn")[0]
        api.send_signal(number)
        api.wait(30)
        thread.join(30)
        log = (tmp_path / "logs" / "api.log").read_text()
    assert not thread.is_alive() and not broken
    assert "Cancel" not in log and "Traceback" not in log
