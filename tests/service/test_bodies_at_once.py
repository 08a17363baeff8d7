"""Bodies that arrive or wait: bounded in bytes over the process, and each of them in time."""

import json
import socket
from collections.abc import Callable, Iterator
from functools import partial
from http.client import HTTPConnection, HTTPResponse
from select import select
from typing import Any

import httpx
import pytest

from jobs.api_keys import KeyRing
from jobs.settings import Settings
from tests.service.asking import refused
from tests.service.conftest import Serve
from tests.service.listening import listening
from tests.service.pictures import plain
from tests.service.test_large_bodies import FORM
from tests.wait import wait_until

BODY = 100_000
IMAGE = "/v1/images"
SET = "/v1/image-sets"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.fixture
def limited(serve: Serve, settings: Settings) -> Callable[..., httpx.Client]:
    """Return a function that starts an API with room for four bodies of the largest size."""

    def start(**limits: Any) -> httpx.Client:
        most = {"max_body_bytes": BODY, "max_upload_bytes": BODY}
        room = {"max_bodies_bytes": 4 * BODY, "max_uploads_bytes": 4 * BODY}
        return serve(settings.model_copy(update=most | room | limits))

    return start


class Held:
    """A request whose body is announced and begun, but not completed.

    The server says that it will read the body, or answers.
    """

    def __init__(self, client: httpx.Client, path: str = IMAGE, key: str = "") -> None:
        url = client.base_url
        self.connection = HTTPConnection(url.host, url.port or 80, timeout=30)
        self.connection.putrequest("POST", path)
        self.connection.putheader("Content-Type", "image/png" if path == IMAGE else FORM)
        self.connection.putheader("Content-Length", str(BODY))
        self.connection.putheader("Expect", "100-continue")
        if key:
            self.connection.putheader("X-API-Key", key)
        self.connection.endheaders()
        self.is_read = self.connection.sock.recv(len(CONTINUE), socket.MSG_PEEK) == CONTINUE
        if self.is_read:
            self.connection.sock.recv(len(CONTINUE))
            self.connection.send(b"\xff" * 10)

    def complete(self) -> HTTPResponse:
        self.connection.send(b"\xff" * (BODY - 10))
        return self.connection.getresponse()


@pytest.fixture
def hold() -> Iterator[Callable[..., Held]]:
    held: list[Held] = []

    def make(*args: Any) -> Held:
        held.append(Held(*args))
        return held[-1]

    yield make
    for each in held:
        each.connection.close()


Hold = Callable[..., Held]
Limited = Callable[..., httpx.Client]


def post(client: httpx.Client, key: str = "", size: int = BODY) -> httpx.Response:
    headers = {"Content-Type": "image/png"} | ({"X-API-Key": key} if key else {})
    return client.post(IMAGE, content=b"\xff" * size, headers=headers)


def is_read(answer: httpx.Response) -> bool:
    """Return whether the body came in: what is not an image is refused after that."""
    return answer.json()["code"] == "not_an_image"


def test_further_bodies_are_refused_until_one_is_answered(limited: Limited, hold: Hold) -> None:
    client = limited()
    held = [hold(client) for _ in range(4)]
    answer = post(client)
    refused(answer, 503, "intake_full", "no room", "Send the request again")
    assert int(answer.headers["retry-after"]) >= 1
    assert client.get("/v1/jobs").status_code == 200
    assert held[0].complete().status == 422
    assert is_read(post(client))


def test_a_client_that_hangs_up_gives_its_room_back(limited: Limited, hold: Hold) -> None:
    client = limited()
    held = [hold(client) for _ in range(4)]
    assert not hold(client).is_read
    held[0].connection.close()
    wait_until(lambda: is_read(post(client)))


def test_bodies_without_a_length_are_counted_as_they_arrive(limited: Limited, hold: Hold) -> None:
    client = limited()
    for _ in range(3):
        hold(client)

    def chunks(count: int) -> Iterator[bytes]:
        for _ in range(count):
            yield b"\xff" * (BODY // 4)

    def post_chunks(count: int) -> httpx.Response:
        kind = {"Content-Type": "image/png"}
        return client.post(IMAGE, content=chunks(count), headers=kind)

    assert is_read(post_chunks(4))
    hold(client)
    refused(post_chunks(1), 503, "intake_full")


def test_one_owner_leaves_room_to_the_others(
    limited: Limited, hold: Hold, settings: Settings
) -> None:
    ring = KeyRing(settings.keys_location)
    ada, bob = ring.create("ada"), ring.create("bob")
    client = limited()
    held = [hold(client, IMAGE, ada) for _ in range(2)]
    refused(post(client, ada), 503, "intake_full", "of yours")
    assert is_read(post(client, bob))
    for _ in range(2):
        hold(client, IMAGE, bob)
    refused(post(client, bob), 503, "intake_full", "of yours")
    held[0].complete()
    assert is_read(post(client, ada))


def test_a_wrong_key_takes_no_room(limited: Limited, hold: Hold, settings: Settings) -> None:
    key = KeyRing(settings.keys_location).create("ada")
    client = limited()
    for _ in range(8):
        assert hold(client, IMAGE, "wrong").connection.getresponse().status == 401
    assert is_read(post(client, key))


def test_the_largest_body_fits_into_an_idle_process(limited: Limited, settings: Settings) -> None:
    key = KeyRing(settings.keys_location).create("ada")
    assert is_read(post(limited(max_bodies_bytes=1024), key))


def test_files_for_image_sets_have_room_of_their_own(limited: Limited, hold: Hold) -> None:
    client = limited()

    def add() -> httpx.Response:
        return client.post(SET, files={"image": plain(20, 20)})

    held = [hold(client, SET) for _ in range(4)]
    refused(add(), 503, "intake_full")
    assert is_read(post(client))
    held[0].connection.close()
    wait_until(lambda: add().status_code == 201)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/v1/jobs/predict", {"image": "…"}),
        ("/v1/models/efficientnet_lite0:predict", {"instances": ["…"]}),
    ],
)
def test_a_response_that_is_held_holds_no_room(
    limited: Limited, path: str, fields: dict[str, Any]
) -> None:
    """The bodies of those who wait for their jobs are not in memory any more."""
    client = limited(max_bodies_bytes=BODY)
    image = client.post(IMAGE, files={"image": plain(60, 40)}).json()["id"]
    body = json.dumps(fields, ensure_ascii=False).replace("…", image).ljust(BODY)
    waiting = []
    for number in range(1, 4):
        line = HTTPConnection(client.base_url.host, client.base_url.port or 80, timeout=90)
        kind = {"Content-Type": "application/json", "Prefer": "wait=30"}
        line.request("POST", path, body, kind)
        waiting.append(line)
        wait_until(partial(jobs_are, client, number))
    assert is_read(post(client))
    for line in waiting:
        line.close()


def jobs_are(client: httpx.Client, number: int) -> bool:
    return len(client.get("/v1/jobs").json()["items"]) == number


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"body_pause_s": 0.5}, "pause for 0.5 s"),
        ({"body_timeout_s": 1, "body_pause_s": 0.9}, "1 s in all"),
    ],
)
def test_a_body_that_stalls_or_drips_is_refused_and_gives_its_room_back(
    limited: Limited, hold: Hold, limits: dict[str, float], words: str
) -> None:
    client = limited(**limits, max_bodies_bytes=BODY)
    slow = hold(client)
    assert not hold(client).is_read
    if "body_timeout_s" in limits:
        drip(slow)
    answer = slow.connection.getresponse()
    problem = json.loads(answer.read())
    assert (answer.status, problem["code"]) == (408, "body_too_slow") and words in problem["detail"]
    assert answer.getheader("connection") == "close"
    assert is_read(post(client))


def drip(slow: Held) -> None:
    """Send single bytes, without a pause that is too long, until there is an answer."""
    line = slow.connection.sock
    while not select([line], [], [], 0.1)[0]:
        line.send(b"\xff")


def test_a_handler_that_waits_for_the_end_of_a_connection_is_not_timed(
    limited: Limited,
) -> None:
    client = limited(body_pause_s=0.2)
    job = client.post("/v1/jobs/predict", files={"image": plain(60, 40)}).json()
    with listening(client, job) as events:
        assert next(events).data["status"] == "queued"
        assert client.get(job["urls"]["self"], params={"wait": 1}).status_code == 200
        client.post(job["urls"]["cancel"])
        assert [event.data["status"] for event in events] == ["canceled"]
