"""Damaged files, by chance or on purpose: always a refusal, never an error of the server."""

import random
import time
from collections.abc import Callable
from contextlib import nullcontext

import httpx
import pytest
from PIL import Image

from jobs.settings import Settings
from service.problems import Problem
from service.uploads.image_validation import validate_image
from tests.service.asking import ended, refused
from tests.service.pictures import (
    deep_grey,
    encoded,
    moving,
    palette_with_hole,
    photo,
    tiff,
    turned,
)

SEEDS: dict[str, Callable[[Image.Image], bytes]] = {
    "PNG": encoded,
    "palette PNG": palette_with_hole,
    "deep PNG": deep_grey,
    "animated PNG": lambda _: moving("PNG"),
    "JPEG": lambda image: turned(image, 6),
    "CMYK JPEG": lambda image: encoded(image.convert("CMYK"), "JPEG"),
    "GIF": lambda image: encoded(image, "GIF"),
    "WebP": lambda image: encoded(image, "WEBP", exif=Image.Exif().tobytes()),
    "BMP": lambda image: encoded(image, "BMP"),
    "TIFF": lambda image: encoded(image, "TIFF"),
    "packed TIFF": lambda image: encoded(image, "TIFF", compression="tiff_lzw"),
    "TIFF of pages": lambda _: moving("TIFF"),
}


def damage(data: bytes, chance: random.Random) -> bytes:
    """Change, remove or add a few bytes, mostly near the beginning, where the structure is."""
    broken = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 4, 8])):
        place = chance.randrange(min(len(broken), chance.choice([64, 400, len(broken)])))
        match chance.randrange(10):
            case 0:
                del broken[place : place + chance.randrange(1, 8)]
            case 1:
                broken[place:place] = chance.randbytes(4)
            case 2 if place > 8:
                del broken[place:]
            case _:
                broken[place] = chance.choice([0, 1, 128, 255, chance.randrange(256)])
    return bytes(broken)


@pytest.mark.filterwarnings("ignore")  # Pillow warns about what it reads.
@pytest.mark.parametrize("kind", SEEDS)
def test_no_damage_surprises_the_examination(coffee: bytes, kind: str) -> None:
    chance = random.Random(kind)
    whole = SEEDS[kind](photo(coffee, 60, 40))
    for _ in range(300):
        broken = damage(whole, chance)
        try:
            validate_image(broken, Settings(), nullcontext)
        except Problem:
            continue
        except Exception as error:
            raise AssertionError(
                f"{type(error).__name__}: {error}, for {broken[:400].hex()}"
            ) from error


def test_a_page_without_anything(client: httpx.Client, nothing_queued: None) -> None:
    answer = client.post("/v1/jobs/predict", files={"image": tiff(2, last_is_empty=True)})
    assert answer.status_code == 422, answer.text
    refused(answer, 422, answer.json()["code"])


def test_a_picture_whose_orientation_cannot_be_read(client: httpx.Client, coffee: bytes) -> None:
    """A viewer shows the image as it is stored; a refusal would do as well."""
    picture = encoded(photo(coffee), "WEBP", exif=b"Exif\0\0nonsense")
    answer = client.post("/v1/jobs/predict", files={"image": picture})
    if answer.status_code == 202:
        assert ended(client, answer.json())["status"] == "succeeded"
    else:
        refused(answer, 422, "broken_image")


def test_a_book_of_pages_is_closed_after_the_second(
    client: httpx.Client, nothing_queued: None
) -> None:
    """Counting pages takes time that grows with the square of their number.

    A file of a few megabytes would block the server for minutes.
    """
    book, short = tiff(10_000), tiff(2) + bytes(1_000_000)
    refused(client.post("/v1/jobs/predict", files={"image": short}), 422, "animated_image")
    times = []
    for data in (short, book):
        began = time.monotonic()
        refused(client.post("/v1/jobs/predict", files={"image": data}), 422, "animated_image")
        times.append(time.monotonic() - began)
    assert times[1] < 20 * times[0] + 0.1


def test_a_page_that_leads_back_to_the_first(client: httpx.Client) -> None:
    round_trip = bytearray(tiff(1))
    round_trip[-4:] = (8 + 64).to_bytes(4, "little")
    answer = client.post("/v1/images", files={"image": bytes(round_trip)})
    assert answer.status_code in (201, 422), answer.text
