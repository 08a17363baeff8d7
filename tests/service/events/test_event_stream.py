"""The bytes that one client receives."""

import asyncio
from typing import Any

import pytest

from jobs.events import Event
from service.events.event_stream import EventStream
from service.events.feeds import Listener
from tests.service.listening import Heard, parsed

RUNNING = {"status": "running", "attempts": 1, "cancel_requested": False}
ENDED = RUNNING | {"status": "succeeded"}


class Client:
    """The other side of the ASGI call, which takes chunks and disconnects on demand."""

    def __init__(self) -> None:
        self.text = ""
        self.ended = False
        self.gone = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.body":
            self.text += message["body"].decode()
            self.ended = not message["more_body"]

    def heard(self) -> list[Heard]:
        return list(parsed(iter(self.text.split("\n"))))


def progress(number: int) -> Event:
    return Event(f"{number}-0", "progress", {"done": number})


async def sent(client: Client, opening: list[Event], *later: Event) -> int:
    """Run a stream to its end; return how often its place was released."""
    listener, left = Listener("ada"), []
    for event in later:
        listener.offer(event)
    stream = EventStream("/v1/jobs/7", opening, listener, lambda: left.append(1))
    await asyncio.wait_for(stream({"type": "http"}, client.receive, client.send), 20)
    return len(left)


def test_what_opening_and_feed_both_hold_is_sent_once() -> None:
    async def scene() -> None:
        client = Client()
        later = [progress(9), progress(10), progress(11), Event("11-1", "state", ENDED)]
        assert await sent(client, [Event("", "state", RUNNING), progress(10)], *later) == 1
        assert [event.id for event in client.heard()] == ["", "10-0", "11-0", "11-1"]
        assert client.ended

    asyncio.run(scene())


def test_nothing_follows_a_final_state() -> None:
    async def scene() -> None:
        client = Client()
        await sent(client, [Event("5-0", "state", ENDED)], progress(6))
        assert [event.id for event in client.heard()] == ["5-0"]
        assert client.ended

    asyncio.run(scene())


def test_a_preview_has_its_address() -> None:
    async def scene() -> None:
        client = Client()
        await sent(client, [Event("4-0", "preview", {"step": 3}), Event("5-0", "state", ENDED)])
        assert client.heard()[0] == Heard(
            "preview", "4-0", {"url": "/v1/jobs/7/preview", "step": 3}
        )

    asyncio.run(scene())


def test_text_of_several_lines_stays_one_event() -> None:
    async def scene() -> None:
        client = Client()
        event = Event("4-0", "progress", {"message": "one\ntwo\r\n\nevent: state\u2028ü"})
        await sent(client, [event, Event("5-0", "state", ENDED)])
        assert client.heard()[0].data == event.data

    asyncio.run(scene())


def test_its_place_is_given_back_when_the_client_goes() -> None:
    async def scene() -> None:
        client = Client()
        asyncio.get_running_loop().call_later(0.05, client.gone.set)
        assert await sent(client, [Event("1-0", "state", RUNNING)]) == 1
        assert not client.ended

    asyncio.run(scene())


def test_its_place_is_given_back_when_sending_fails() -> None:
    async def scene() -> None:
        left: list[int] = []

        async def send(_: Any) -> None:
            raise OSError

        stream = EventStream("/v1/jobs/7", [], Listener("ada"), lambda: left.append(1))
        with pytest.raises(BaseExceptionGroup):
            await stream({"type": "http"}, Client().receive, send)
        assert left == [1]

    asyncio.run(scene())
