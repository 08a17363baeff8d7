"""The pure parts: when requests are repeated, what is read of a stream, and what is refused."""

import hashlib
import io
import json
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faulty_proxy import FaultyProxy
from PIL import Image

from catalog.registry import techniques
from retinoscope_client import AsyncClient, Client, ConnectionFailed, Result, RetinoscopeError
from retinoscope_client.errors import APIError
from retinoscope_client.images import file_bytes
from retinoscope_client.progress import text
from retinoscope_client.retries import delay, retried
from retinoscope_client.steps import Answer, Flow, Pause, Request, listed, post_json
from service.job_request import JobOptions

CLIENT = Path(__file__).parents[1]
BUSY = Answer(409, {}, b'{"code": "idempotency_in_progress"}')


@pytest.mark.parametrize(
    ("answer", "least", "most"),
    [
        (Answer(503, {"retry-after": "7"}), 7, 7),
        (Answer(503, {"retry-after": "120"}), 120, 120),
        (Answer(429, {}), 0.375, 0.5),
        (Answer(500, {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}), 0.375, 0.5),
        (Answer(408, {}), 0.375, 0.5),
        (Answer(0, {}, b"refused"), 0.375, 0.5),
        (BUSY, 0.375, 0.5),
    ],
)
def test_seconds_before_the_next_attempt(answer: Answer, least: float, most: float) -> None:
    assert all(least <= (delay(answer, 0) or 0) <= most for _ in range(50))


def test_seconds_double_up_to_eight() -> None:
    for attempt, most in enumerate([0.5, 1, 2, 4, 8, 8]):
        seconds = [delay(Answer(503, {}), attempt) or 0 for _ in range(50)]
        assert 0.75 * most <= min(seconds) < max(seconds) <= most


@pytest.mark.parametrize(
    "answer",
    [
        Answer(503, {"retry-after": "121"}),
        Answer(409, {}, b'{"code": "job_running"}'),
        Answer(409, {}, b"<html>"),
        Answer(422, {}),
        Answer(404, {}),
        Answer(307, {}),
    ],
)
def test_no_attempt_where_none_helps(answer: Answer) -> None:
    assert delay(answer, 0) is None


def asking(method: str = "GET") -> Flow[int]:
    return (yield Request(method, "/v1/x")).status


def played(flow: Flow[Any], answers: Iterator[Answer]) -> tuple[Any, list[float]]:
    """Run a flow on these answers. Return its value and the pauses."""
    pauses, answer = [], None
    try:
        while True:
            step = flow.send(answer)
            if isinstance(step, Pause):
                pauses.append(step.seconds)
            answer = next(answers) if isinstance(step, Request) else None
    except StopIteration as end:
        return end.value, pauses


def test_requests_are_repeated_as_often_as_allowed() -> None:
    full = Answer(503, {"retry-after": "3"})
    assert played(retried(asking(), 2), iter([full, full, Answer(200, {})])) == (200, [3, 3])
    with pytest.raises(APIError):
        played(retried(asking(), 1), iter([full, full]))
    with pytest.raises(ConnectionFailed, match="gone"):
        played(retried(asking(), 1), iter([Answer(0, {}, b"gone")] * 2))


def test_a_repeated_delete_may_find_nothing() -> None:
    lost, nothing = Answer(0, {}, b"gone"), Answer(404, {})
    assert played(retried(asking("DELETE"), 2), iter([lost, nothing]))[0] == 204
    with pytest.raises(APIError):
        played(retried(asking("DELETE"), 2), iter([nothing]))


def test_no_key_goes_to_another_host(proxy: FaultyProxy) -> None:
    with FaultyProxy("http://127.0.0.1:9") as other:
        proxy.fault = lambda _seen, _before: (307, {"Location": f"{other.url}/v1/models"})
        with Client(proxy.url, key="secret") as rs, pytest.raises(APIError, match="redirects to"):
            rs.models()
    assert proxy.seen[0].headers["authorization"] == "Bearer secret"
    assert other.seen == [] and len(proxy.seen) == 1


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETINOSCOPE_URL", "http://there:1/retinoscope/")
    monkeypatch.setenv("RETINOSCOPE_KEY", "a-key")
    rs = Client()
    sent = rs._http_request(Request("GET", "/v1/models/timm:a"))
    assert str(sent.url) == "http://there:1/retinoscope/v1/models/timm:a"
    assert sent.headers["authorization"] == "Bearer a-key" and "a-key" not in repr(rs)
    assert repr(AsyncClient("http://here")) == "<Retinoscope at http://here>"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (("ftp://x",), "URL of a server"),
        (("localhost:8000",), "URL of a server"),
        (("http://user:pass@x",), "user name"),
        (("http://x?key=1",), "query"),
        (("http://x", "one\ntwo"), "Copy it again"),
        (("http://x", " key"), "Copy it again"),
    ],
)
def test_settings_that_are_refused(settings: tuple[str, ...], words: str) -> None:
    with pytest.raises(RetinoscopeError, match=words) as refused:
        Client(*settings)
    assert "pass" not in str(refused.value) and "one" not in str(refused.value)


def test_arrays_are_pixels_or_arrays(tmp_path: Path) -> None:
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert (np.asarray(Image.open(io.BytesIO(file_bytes(pixels)))) == pixels).all()
    bands = np.zeros((5, 6, 6), np.float32)
    assert np.load(io.BytesIO(file_bytes(bands)), allow_pickle=False).shape == (5, 6, 6)
    with pytest.raises(RetinoscopeError, match="uint8"):
        file_bytes(pixels / 255)
    with pytest.raises(RetinoscopeError, match="cannot be a list"):
        file_bytes([1, 2])
    with pytest.raises(ValueError, match="pickle"):
        file_bytes(np.array([object()]))
    with pytest.raises(RetinoscopeError, match="is a directory"):
        file_bytes(tmp_path)


def test_inks_and_floats_of_pillow_are_kept() -> None:
    for mode in ("RGB", "RGBA", "L", "P", "1", "I;16", "CMYK", "F", "YCbCr"):
        image = Image.new(mode, (9, 9))
        assert Image.open(io.BytesIO(file_bytes(image))).mode == mode


def test_numbers_of_numpy_are_numbers() -> None:
    assert post_json("/", {"k": np.int64(3), "noise": np.float32(0.5)}).body == (
        b'{"k": 3, "noise": 0.5}'
    )
    with pytest.raises(TypeError, match="cannot be a set"):
        post_json("/", {"k": {1}})


def test_the_bar() -> None:
    half = {"done": 2, "total": 4, "message": "steps", "eta_s": 3.2}
    assert text("dream", half) == f"dream {'█' * 12}{'░' * 12} 2/4 steps, 3 s left"
    assert text("x", {"done": 0, "total": 0}).startswith("x ░")


@pytest.mark.parametrize("tqdm", [True, False])
def test_a_bar_is_drawn_on_a_terminal(url: str, photo: Path, tqdm: bool) -> None:
    code = (
        f"import sys, importlib.util as u; found = u.find_spec\n"
        f"u.find_spec = lambda name: found(name) if name != 'tqdm' or {tqdm} else None\n"
        f"from retinoscope_client import Client\n"
        f"Client({url!r}).saliency({str(photo)!r}, samples=8, cache=False).wait()"
    )
    shown, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 100))
    done = subprocess.run([sys.executable, "-c", code], stderr=terminal, timeout=90, check=False)
    os.close(terminal)
    drawn = os.read(shown, 100_000).decode()
    assert done.returncode == 0 and "8/8" in drawn, drawn
    assert ("%" in drawn) == tqdm


def test_nothing_but_the_http_library_is_needed(url: str, photo: Path) -> None:
    """NumPy, Pillow and tqdm are missing in this process."""
    code = (
        f"import sys; sys.modules.update(dict.fromkeys(('numpy', 'PIL', 'PIL.Image', 'tqdm')))\n"
        f"from retinoscope_client import Client, RetinoscopeError\n"
        f"result = Client({url!r}).saliency({str(photo)!r}).wait()\n"
        f"print(len(result['overlay.png'].bytes))\n"
        f"for ask in (lambda: result.values, lambda: result['overlay.png'].pil()):\n"
        f"    try: ask()\n"
        f"    except RetinoscopeError as error: print(error)\n"
        f"print([name for name in sys.modules if name in ('torch', 'pydantic', 'httpx')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=90)
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert int(lines[0]) > 1000 and "[numpy]" in lines[1] and "[pillow]" in lines[2]
    assert lines[3] == "[]"


def test_the_methods_are_those_of_the_catalog() -> None:
    written = (CLIENT / "retinoscope_client" / "techniques.py").read_text()
    command = [sys.executable, str(CLIENT / "write_techniques.py")]
    made = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert written == made, "stale: run `make openapi`"
    assert "GET /" not in written and "POST /" not in written
    assert techniques().keys() <= set(dir(Client))


def test_the_options_are_those_of_the_service() -> None:
    from retinoscope_client.techniques import Options

    assert JobOptions.model_fields.keys() - {"labels"} == (
        Options.__annotations__.keys() - {"labels", "idempotency_key"}
    )


def test_the_client_stays_small() -> None:
    """Count lines of code: without blank ones, comments and docstrings."""
    from tests.sizes import lines_of_code

    paths = set((CLIENT / "retinoscope_client").glob("*.py"))
    written = {CLIENT / "retinoscope_client" / "techniques.py"}
    assert sum(map(lines_of_code, paths - written)) <= 700


@pytest.mark.parametrize(
    "pages",
    [
        # A filtered list of jobs: pages without any job on the way to older ones.
        [([], "a"), (["one"], "b"), ([], "c"), (["two"], None)],
        # The rows of a batch that runs: the last page leads to itself.
        [(["one"], "1"), ([], "2"), (["two"], "3"), ([], "3")],
    ],
)
def test_a_list_ends_with_its_last_page_and_not_with_an_empty_one(
    pages: list[tuple[list[str], str | None]],
) -> None:
    flow, sent = listed("/v1/jobs", None, {}), []
    request = next(flow)
    with pytest.raises(StopIteration) as ended:
        for items, cursor in pages:
            assert isinstance(request, Request)
            sent.append(request.query.get("cursor"))
            body = json.dumps({"items": items, "next_cursor": cursor}).encode()
            request = flow.send(Answer(200, {}, body))
    assert ended.value.value == ["one", "two"]
    assert sent == [None, *(cursor for _, cursor in pages[:-1])]


def test_files_that_are_saved_are_not_held(tmp_path: Path) -> None:
    shards = {f"shard-0000{number}.tar": bytes([number]) * 9 for number in range(3)}
    artifacts = [
        {"name": name, "media_type": "", "sha256": f"sha256:{hashlib.sha256(data).hexdigest()}"}
        for name, data in shards.items()
    ]
    result = Result({"result": {"summary": {}, "artifacts": artifacts}}, "/v1/jobs/1", list)
    flow = result._saved(tmp_path)
    next(flow)
    with pytest.raises(StopIteration) as ended:
        for data in shards.values():
            assert len(result._files) == 0
            flow.send(Answer(200, {}, data))
    assert [path.read_bytes() for path in ended.value.value] == [*shards.values()]
    assert not result._files
