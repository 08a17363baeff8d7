"""Zip files: valid images in them are accepted, and nothing in them is trusted."""

import io
import struct
import tracemalloc
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_LZMA, ZIP_STORED, ZipFile, ZipInfo

import httpx
import pytest

from jobs.settings import MEGABYTE, Settings
from service.problems import Problem
from service.uploads.upload import UploadedFile
from service.uploads.zips import Budget, candidates
from tests.service.asking import refused
from tests.service.conftest import Serve
from tests.service.pictures import plain
from tests.service.test_image_sets import add, counts, images, make, members, picture
from tests.service.zipped import bomb, with_flags, with_method, with_size, zipped


def sent(archive: bytes) -> dict:
    """Return the zip file as an uploaded form field."""
    return {"files": {"zip": ("photos.zip", archive, "application/zip")}}


def told(changed: dict) -> list[tuple[str, str | None]]:
    return [(each["name"], each["code"]) for each in changed["files"]]


def test_a_zip_as_a_field_and_as_the_body(own: httpx.Client) -> None:
    archive = zipped({"a.png": picture(0), "deep/er/b.png": picture(1)})
    by_form = make(own, **sent(archive))
    by_body = make(own, content=archive, headers={"Content-Type": "application/zip"})
    assert counts(by_form) == counts(by_body) == (2, 2, 0, 0)
    assert told(by_form) == told(by_body) == [("a.png", None), ("deep/er/b.png", None)]
    assert members(own, by_form) == members(own, by_body)


@pytest.mark.parametrize("method", [ZIP_STORED, ZIP_BZIP2, ZIP_LZMA])
def test_methods(own: httpx.Client, method: int) -> None:
    answer = own.post("/v1/image-sets", **sent(zipped({"a.png": picture(0)}, method)))
    if method == ZIP_STORED:
        assert counts(answer.json()) == (1, 1, 0, 0)
    else:
        refused(answer, 422, "zip_entry_unsupported", "a.png", "deflate")


def test_folders_and_what_file_managers_leave_is_skipped(own: httpx.Client) -> None:
    made = make(
        own,
        **sent(
            zipped(
                {
                    "photos/": b"",
                    "photos/a.png": picture(0),
                    "__MACOSX/photos/._a.png": b"x",
                    "photos/.DS_Store": b"x",
                    ".git/config": b"x",
                    "./photos/b.png": picture(1),
                }
            )
        ),
    )
    assert told(made) == [("photos/a.png", None), ("photos/b.png", None)]


def test_doubles_and_other_things_among_images(own: httpx.Client) -> None:
    inner = zipped({"a.png": picture(5)})
    made = make(
        own,
        **sent(
            zipped(
                {
                    "a.png": picture(0),
                    "b.png": picture(0),
                    "notes.txt": b"hello",
                    "inner.zip": inner,
                    "c.png": picture(1),
                }
            )
        ),
    )
    assert counts(made) == (2, 2, 1, 2)
    assert told(made) == [
        ("a.png", None),
        ("b.png", None),
        ("notes.txt", "not_an_image"),
        ("inner.zip", "not_an_image"),
        ("c.png", None),
    ]


def test_two_thousand_small_images(own: httpx.Client) -> None:
    names = {f"{number:04}.png": plain(8 + number % 50, 8 + number // 50) for number in range(2000)}
    made = make(own, **sent(zipped(names)))
    assert counts(made) == (2000, 2000, 0, 0)
    assert [each["name"] for each in made["files"]] == list(names)
    assert [each["image"] for each in made["files"]] == members(own, made, limit=100)


def test_names_are_only_shown(own: httpx.Client, settings: Settings) -> None:
    names = [
        "../../../etc/passwd.png",
        "/tmp/evil.png",
        "C:\\windows\\x.png",
        "a\u202egnp.exe\n.png",
        "../",
        "x" * 999 + ".png",
    ]
    files = {name: picture(number) for number, name in enumerate(names)}
    made = make(own, **sent(zipped(files)))
    assert [name for name, _ in told(made)] == [
        "etc/passwd.png",
        "tmp/evil.png",
        "C:/windows/x.png",
        "a\ufffdgnp.exe\ufffd.png",
        "x" * 196 + ".png",
    ]
    left = {path.name for path in Path(settings.data).rglob("*") if path.is_file()}
    assert left == {image.removeprefix("sha256:") for image in members(own, made)}


def test_a_symbolic_link_is_refused(own: httpx.Client) -> None:
    buffer = io.BytesIO()
    link = ZipInfo("link.png")
    link.external_attr = 0o120777 << 16
    with ZipFile(buffer, "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("a.png", picture(0))
    made = make(own, **sent(buffer.getvalue()))
    assert told(made) == [("link.png", "zip_entry_unsupported"), ("a.png", None)]


def test_an_encrypted_entry_is_refused(own: httpx.Client) -> None:
    archive = with_flags(zipped({"a.png": picture(0)}), 1)
    refused(
        own.post("/v1/image-sets", **sent(archive)), 422, "zip_entry_encrypted", "a.png", "password"
    )


def test_a_method_that_is_a_lie(own: httpx.Client) -> None:
    for method in (1, 9, 14, 97):
        answer = own.post(
            "/v1/image-sets", **sent(with_method(zipped({"a.png": picture(0)}), method))
        )
        refused(answer, 422, "zip_entry_unsupported")


def test_a_bomb_that_admits_its_size(own: httpx.Client) -> None:
    archive = bomb(200)
    assert len(archive) < MEGABYTE
    refused(
        own.post("/v1/image-sets", **sent(archive)), 422, "file_too_large", "bomb.png", "33,554,432"
    )


@pytest.mark.parametrize(
    ("claimed", "code"), [(1000, "zip_entry_damaged"), (0, "zip_entry_damaged")]
)
def test_a_bomb_that_lies_about_its_size(own: httpx.Client, claimed: int, code: str) -> None:
    refused(
        own.post("/v1/image-sets", **sent(with_size(bomb(200), claimed))), 422, code, "bomb.png"
    )


def test_many_entries_that_are_each_within_the_limit(serve: Serve, settings: Settings) -> None:
    client = serve(settings.model_copy(update={"max_zip_bytes": 10 * MEGABYTE}))
    files = (
        {"a.png": picture(0)}
        | {f"{number}.bin": bytes(MEGABYTE) for number in range(30)}
        | {"z.png": picture(1)}
    )
    made = make(client, **sent(zipped(files)))
    codes = [code for _, code in told(made)]
    assert (
        codes[0] is None
        and codes[1:10] == ["not_an_image"] * 9
        and set(codes[10:]) == {"zip_too_large"}
    )


def test_too_many_entries(serve: Serve, settings: Settings) -> None:
    client = serve(settings.model_copy(update={"max_zip_entries": 10}))
    few, many = (
        {f"{number}.png": picture(number) for number in range(count)} for count in (10, 11)
    )
    assert counts(make(client, **sent(zipped(few)))) == (10, 10, 0, 0)
    refused(client.post("/v1/image-sets", **sent(zipped(many))), 422, "zip_too_large", "10 entries")
    twice = [("zip", ("a.zip", zipped(few))), ("zip", ("b.zip", zipped(few)))]
    assert told(make(client, files=twice))[-1] == ("b.zip", "zip_too_large")


def crowded(megabytes: int) -> bytes:
    """Return a zip file of a directory only, with entries of one-letter names."""
    entry = (
        struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
        + b"a"
    )
    directory = entry * (megabytes * MEGABYTE // len(entry))
    return directory + struct.pack(
        "<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFE, 0xFFFE, len(directory), 0, 0
    )


def test_a_directory_of_a_million_entries(own: httpx.Client) -> None:
    refused(own.post("/v1/image-sets", **sent(crowded(60))), 422, "zip_too_large", "10,000 entries")


def test_a_directory_that_is_too_large_is_not_even_read(tmp_path: Path, settings: Settings) -> None:
    """Its 130,000 entries would take a hundred megabytes once parsed."""
    data = crowded(6)
    path = tmp_path / "crowded.zip"
    path.write_bytes(data)
    with path.open("rb") as file:
        tracemalloc.start()
        with pytest.raises(Problem, match="10,000 entries"):
            next(
                candidates(
                    UploadedFile("zip", "a.zip", 0, len(data)), file, Budget.of(settings), settings
                )
            )
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < MEGABYTE


@pytest.mark.parametrize("cut", [10, 100, 0.5, -1, -30])
def test_a_zip_that_was_cut_off(own: httpx.Client, cut: float) -> None:
    archive = zipped({f"{number}.png": picture(number) for number in range(5)})
    archive = archive[: int(len(archive) * cut) if 0 < cut < 1 else int(cut)]
    refused(own.post("/v1/image-sets", **sent(archive)), 422, "zip_broken", "photos.zip", "cut off")


@pytest.mark.parametrize("fake", [b"x", b"PK\3\4 not really", b"PK\5\6" + bytes(18), plain(60, 40)])
def test_what_is_no_zip(own: httpx.Client, fake: bytes) -> None:
    answer = own.post("/v1/image-sets", **sent(fake))
    code = answer.json()["code"]
    refused(answer, 422, code)
    assert code == ("image_missing" if fake.startswith(b"PK\5\6") else "zip_broken")


def test_damage_inside_costs_only_the_entry_that_has_it(own: httpx.Client) -> None:
    archive = bytearray(
        zipped({f"{number}.png": picture(number) for number in range(3)}, ZIP_STORED)
    )
    archive[archive.index(picture(1)) + 20] ^= 0xFF
    made = make(own, **sent(bytes(archive)))
    assert told(made) == [("0.png", None), ("1.png", "zip_entry_damaged"), ("2.png", None)]


def test_every_single_damage_is_answered(own: httpx.Client) -> None:
    """Any wrong byte gives a set or a problem, never an error of the server."""
    archive = zipped({"0.png": picture(0), "1.png": picture(1)})
    for position in range(0, len(archive), 3):
        damaged = bytearray(archive)
        damaged[position] ^= 0xFF
        answer = own.post("/v1/image-sets", **sent(bytes(damaged)))
        assert answer.status_code in (201, 422), (position, answer.text)
    for position in range(0, len(archive), 29):
        assert own.post("/v1/image-sets", **sent(archive[:position])).status_code == 422


def test_a_broken_zip_beside_good_files(own: httpx.Client) -> None:
    made = make(own)
    changed = add(own, made, files=[*images(picture(0)), ("zip", ("photos.zip", b"junk"))])
    assert told(changed) == [("0.png", None), ("photos.zip", "zip_broken")]
