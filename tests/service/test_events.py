"""Watching a job: every event once and in order, for every listener and every resumption."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice

import httpx
import pytest

from jobs import redis_keys
from jobs.api_keys import KeyRing
from jobs.lease import Lease, claim
from jobs.model import JobError, Progress, Status
from jobs.settings import Settings
from jobs.store import JobStore
from service.events import event_stream
from tests.service.asking import ended, queue, refused
from tests.service.listening import Heard, gauge, heard, listening, unwatched
from tests.wait import wait_until

Begun = Callable[[], tuple[dict, Lease]]


@pytest.fixture
def begun(own: httpx.Client, store: JobStore, small: bytes) -> Begun:
    """Create a job and hold it as a worker does."""

    def begin() -> tuple[dict, Lease]:
        job = queue(own, "predict", small)
        lease = claim(store, job["id"])
        assert lease is not None
        return job, lease

    return begin


def advance(lease: Lease, start: int, end: int, total: int = 10_000) -> None:
    for done in range(start, end):
        lease.heartbeat(Progress(done=done, total=total, loss=-done / 2))


def nobody_listens(client: httpx.Client) -> bool:
    return gauge(client, "event_listeners") == gauge(client, "event_feeds") == 0


def test_a_real_job_from_its_beginning_to_its_end(client: httpx.Client, coffee: bytes) -> None:
    job = queue(client, "occlusion", coffee, stride=8)
    events = heard(client, job)
    assert events[0].kind == "state" and events[0].data["status"] in ("queued", "running")
    states = [event.data["status"] for event in events if event.kind == "state"]
    assert states in (["queued", "running", "succeeded"], ["running", "succeeded"])
    assert events[-1].data == {"status": "succeeded", "attempts": 1, "cancel_requested": False}
    steps = [event.data["done"] for event in events if event.kind == "progress"]
    assert len(steps) > 3 and steps == sorted(steps) and steps[-1] == events[-2].data["total"]
    ids = [tuple(map(int, event.id.split("-"))) for event in events if event.id]
    assert ids == sorted(set(ids))
    assert client.get(job["urls"]["self"]).json()["status"] == "succeeded"
    whole = heard(client, job, "0")
    assert whole[-len(ids) + 1 :] == events[-len(ids) + 1 :]
    assert [event.data["status"] for event in whole if event.kind == "state"] == [
        "queued",
        "running",
        "succeeded",
    ]


def test_any_two_halves_are_the_whole(own: httpx.Client, begun: Begun) -> None:
    job, lease = begun()
    advance(lease, 0, 12)
    lease.succeed({}, [], {})
    whole = heard(own, job, "0")
    assert len(whole) == 15
    for cut in range(1, len(whole)):
        with listening(own, job, "0") as events:
            first = list(islice(events, cut))
        assert first + heard(own, job, first[-1].id) == whole
    assert (
        own.get(job["urls"]["events"], headers={"Last-Event-ID": whole[-1].id}).status_code == 204
    )


def test_coming_back_while_things_happen_misses_nothing_and_doubles_nothing(
    own: httpx.Client, begun: Begun
) -> None:
    job, lease = begun()

    def work() -> None:
        advance(lease, 0, 400)
        lease.succeed({}, [], {})

    worker = threading.Thread(target=work)
    worker.start()
    got: list[Heard] = []
    while not got or got[-1].data.get("status") != "succeeded":
        with listening(own, job, got[-1].id if got else "0") as events:
            got += islice(events, 37)
    worker.join()
    assert [event.data["done"] for event in got if event.kind == "progress"] == list(range(400))
    assert got == heard(own, job, "0")


def test_the_first_event_is_how_things_stand(
    own: httpx.Client, begun: Begun, store: JobStore
) -> None:
    job, lease = begun()
    advance(lease, 7, 9)
    store.cancel(job["id"], "local")
    with listening(own, job) as events:
        state, progress = islice(events, 2)
        assert state == Heard(
            "state", "", {"status": "running", "attempts": 1, "cancel_requested": True}
        )
        assert (progress.kind, progress.data["done"], progress.data["loss"]) == ("progress", 8, -4)
        lease.cancel()
        assert [event.data["status"] for event in events] == ["canceled"]
    assert heard(own, job, progress.id)[0].data["status"] == "canceled"


@pytest.mark.parametrize("end", ["succeeded", "failed", "canceled"])
def test_an_ended_job_says_so_and_no_more(own: httpx.Client, begun: Begun, end: str) -> None:
    job, lease = begun()
    advance(lease, 0, 2)
    match end:
        case "succeeded":
            lease.succeed({}, [], {})
        case "failed":
            lease.fail(JobError(code="c", title="t", detail="d"))
        case _:
            lease.cancel()
    (event,) = heard(own, job)
    assert event.data["status"] == end and event.id
    assert nobody_listens(own)


def test_what_was_cut_from_the_stream_is_made_good_by_a_state(
    own: httpx.Client, begun: Begun, store: JobStore
) -> None:
    job, lease = begun()
    first = store.redis.xrange(f"retinoscope:job:{job['id']}:events", count=1)[0][0]
    advance(lease, 0, 1300)
    kept = store.redis.xlen(f"retinoscope:job:{job['id']}:events")
    assert 1000 <= kept < 1300
    for last in (first, "0", "99999999999999-0"):
        with listening(own, job, last) as events:
            state, progress = islice(events, 2)
            assert (state.data["status"], progress.data["done"]) == ("running", 1299)
    with listening(own, job, progress.id) as events:
        advance(lease, 1300, 1301)
        assert next(events).data["done"] == 1300
    lease.cancel()


def test_the_events_of_an_ended_job_go_after_an_hour_and_its_state_stays(
    own: httpx.Client, begun: Begun, store: JobStore
) -> None:
    job, lease = begun()
    advance(lease, 0, 2)
    assert lease.give_back()
    stream = redis_keys.events(job["id"])
    assert store.redis.ttl(stream) > 7200
    store.cancel(job["id"], "local")
    assert 3500 < store.redis.ttl(stream) <= 3600
    last = heard(own, job, "0")[-1]
    store.redis.delete(stream)
    assert own.get(job["urls"]["events"], headers={"Last-Event-ID": last.id}).status_code == 204
    for before in (None, "0"):
        (state,) = heard(own, job, *([before] if before else []))
        assert (state.kind, state.data["status"]) == ("state", "canceled")
    assert own.get(job["urls"]["events"], headers={"Last-Event-ID": state.id}).status_code == 204


def test_the_id_may_come_in_the_address(own: httpx.Client, begun: Begun) -> None:
    job, lease = begun()
    lease.succeed({}, [], {})
    whole = heard(own, job, "0")
    answer = own.get(job["urls"]["events"], params={"last_event_id": whole[0].id})
    assert answer.text.count("event: ") == len(whole) - 1


@pytest.mark.parametrize("last", ["x", "-1", "1-", "1-2-3", "9" * 25, "١"])
def test_an_id_that_is_none_is_refused(own: httpx.Client, begun: Begun, last: str) -> None:
    job, _ = begun()
    refused(
        own.get(job["urls"]["events"], params={"last_event_id": last}),
        422,
        "invalid_parameters",
        "id",
    )
    assert nobody_listens(own)


def test_fifty_listeners_cost_one_reader(own: httpx.Client, begun: Begun) -> None:
    job, lease = begun()
    with ThreadPoolExecutor(50) as pool:
        all_heard = [pool.submit(heard, own, job) for _ in range(50)]
        wait_until(lambda: gauge(own, "event_listeners") == 50)
        assert gauge(own, "event_feeds") == 1
        before, began = gauge(own, "event_reads_total"), time.monotonic()
        for done in range(20):
            advance(lease, done, done + 1)
            time.sleep(0.02)
        lease.succeed({}, [], {})
        streams = [each.result() for each in all_heard]
        reads = gauge(own, "event_reads_total") - before
    assert all(stream[-21:] == streams[0][-21:] for stream in streams)
    assert [event.data["done"] for event in streams[0][-21:-1]] == list(range(20))
    assert reads <= 21 + (time.monotonic() - began) + 2
    wait_until(lambda: nobody_listens(own))


def test_a_client_that_goes_leaves_nothing_behind(own: httpx.Client, begun: Begun) -> None:
    jobs = [begun() for _ in range(3)]
    with ExitStack() as open_streams:
        streams = [open_streams.enter_context(listening(own, job)) for job, _ in jobs * 2]
        assert {next(stream).kind for stream in streams} == {"state"}
        assert (gauge(own, "event_listeners"), gauge(own, "event_feeds")) == (6, 3)
    wait_until(lambda: nobody_listens(own))


def test_a_client_that_does_not_read_is_given_up(
    own: httpx.Client, begun: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "SEND_PATIENCE_S", 0.3)
    job, lease = begun()
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", own.base_url.port))
        slow.sendall(f"GET {job['urls']['events']} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        wait_until(lambda: gauge(own, "event_listeners") == 1)
        long = Progress(done=1, total=2, message="x" * 100_000)
        wait_until(lambda: lease.heartbeat(long) or nobody_listens(own))
    lease.succeed({}, [], {})


def test_others_hear_everything_while_one_does_not_read(own: httpx.Client, begun: Begun) -> None:
    job, lease = begun()
    with listening(own, job) as events, listening(own, job) as idle:
        next(idle)
        next(events)
        advance(lease, 0, 1000)
        lease.succeed({}, [], {})
        assert [event.data["done"] for event in events if event.kind == "progress"] == list(
            range(1000)
        )


def test_silence_is_broken_by_comments(
    own: httpx.Client, begun: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "HEARTBEAT_S", 0.1)
    job, _ = begun()
    with unwatched(own) as plain, plain.stream("GET", job["urls"]["events"]) as answer:
        comments = (line for line in answer.iter_lines() if line.startswith(":"))
        assert len(list(islice(comments, 3))) == 3


def test_too_many_listeners_are_told_to_poll(
    serve, settings: Settings, store: JobStore, small: bytes
) -> None:
    own = serve(settings.model_copy(update={"max_listeners": 2}))
    job = queue(own, "predict", small)
    with listening(own, job) as one, listening(own, job) as two:
        next(one), next(two)
        answer = own.get(job["urls"]["events"])
        refused(answer, 503, "too_many_listeners", "Poll")
        assert int(answer.headers["retry-after"]) >= 1
    wait_until(lambda: nobody_listens(own))
    with listening(own, job) as again:
        next(again)
    store.cancel(job["id"], "local")


def test_anothers_job_cannot_be_watched(serve, settings: Settings, small: bytes) -> None:
    ring = KeyRing(settings.keys_location)
    own = serve(settings)
    alice, bob = ring.create("alice"), ring.create("bob")
    own.headers["X-API-Key"] = alice
    job = queue(own, "predict", small)
    own.headers["X-API-Key"] = bob
    refused(own.get(job["urls"]["events"]), 404, "job_not_found")
    del own.headers["X-API-Key"]
    refused(own.get(job["urls"]["events"]), 401, "unauthorized")
    assert nobody_listens(own)


def test_a_deleted_job_ends_its_streams(own: httpx.Client, small: bytes) -> None:
    job = queue(own, "predict", small)
    with listening(own, job) as events:
        assert next(events).data["status"] == "queued"
        assert own.delete(job["urls"]["self"]).status_code == 204
        assert list(events) == []
    refused(own.get(job["urls"]["events"]), 404, "job_not_found")


def test_head_says_what_get_would_and_does_not_wait(own: httpx.Client, small: bytes) -> None:
    job = queue(own, "predict", small)
    answer = own.head(job["urls"]["events"])
    assert (answer.status_code, answer.headers["content-type"]) == (
        200,
        "text/event-stream; charset=utf-8",
    )
    assert nobody_listens(own)


def test_proxies_are_told_not_to_keep_it(own: httpx.Client, begun: Begun) -> None:
    job, lease = begun()
    lease.succeed({}, [], {})
    headers = own.get(job["urls"]["events"]).headers
    assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-store", "no")
    assert "content-length" not in headers


def test_a_stream_outlives_a_restart_of_redis(
    own: httpx.Client, begun: Begun, redis_server
) -> None:  # type: ignore[no-untyped-def]
    child, _ = redis_server
    job, lease = begun()
    with listening(own, job) as events:
        next(events)
        advance(lease, 0, 1)
        assert next(events).data["done"] == 0
        child.stop()
        child.start()
        ending = threading.Thread(target=lease.succeed, args=({}, [], {}))
        ending.start()
        assert [event.data["status"] for event in events] == ["succeeded"]
        ending.join()


def test_a_waiting_job_is_seen_to_be_canceled(client: httpx.Client, stored: str) -> None:
    long = queue(client, "saliency", stored, samples=1000)
    with listening(client, long) as events:
        assert next(events).data["status"] in ("queued", "running")
        client.post(long["urls"]["cancel"])
        assert list(events)[-1].data["status"] == Status.CANCELED
    assert ended(client, long)["status"] == "canceled"


@pytest.fixture(autouse=True)
def nothing_is_left(own: httpx.Client) -> Iterator[None]:
    yield
    wait_until(lambda: nobody_listens(own))
