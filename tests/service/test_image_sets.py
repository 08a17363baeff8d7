"""Image sets over HTTP: created, filled with files or stored images, listed, deleted."""

import threading
import time
from typing import Any

import httpx
import pytest

from jobs.api_keys import KeyRing
from jobs.artifacts import ArtifactStore
from jobs.settings import MEGABYTE, Settings
from tests.service.asking import refused, store_image
from tests.service.conftest import Serve, watchful
from tests.service.pictures import moving, plain
from tests.service.zipped import zipped

GONE = "sha256:" + "0" * 64


def picture(number: int) -> bytes:
    return plain(8 + number, 9)


def make(client: httpx.Client, **sent: Any) -> dict[str, Any]:
    """Create an image set."""
    answer = client.post("/v1/image-sets", **sent)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["location"] == made["urls"]["self"]
    return made


def add(client: httpx.Client, made: dict[str, Any], **sent: Any) -> dict[str, Any]:
    answer = client.post(made["urls"]["images"], **sent)
    assert answer.status_code == 200, answer.text
    changed: dict[str, Any] = answer.json()
    return changed


def images(*files: bytes) -> list[tuple[str, tuple[str, bytes]]]:
    return [("image", (f"{number}.png", data)) for number, data in enumerate(files)]


def counts(changed: dict[str, Any]) -> tuple[int, int, int, int]:
    return changed["images"], changed["added"], changed["already_there"], changed["refused"]


def members(client: httpx.Client, made: dict[str, Any], limit: int = 20) -> list[str]:
    """Return the ids of all images, page after page."""
    ids: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = client.get(made["urls"]["images"], params={"limit": limit} | cursor).json()
        ids += [image["id"] for image in page["items"]]
        if page["next_cursor"] is None:
            return ids
        cursor = {"cursor": page["next_cursor"]}


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"json": {}},
        {"json": {"name": "cats"}},
        {"data": {"name": "cats"}},
        {"files": {"name": (None, "cats")}},
    ],
)
def test_an_empty_set(own: httpx.Client, sent: dict) -> None:
    made = make(own, **sent)
    assert counts(made) == (0, 0, 0, 0) and made["name"] in ("", "cats")
    read = own.get(made["urls"]["self"]).json()
    assert read == {name: made[name] for name in read}
    assert own.get(made["urls"]["images"]).json() == {"items": [], "next_cursor": None}


def test_files_come_in_their_order_without_doubles(own: httpx.Client) -> None:
    made = make(own, files=images(picture(0), picture(1), picture(0)), data={"name": "teal"})
    assert made["name"] == "teal" and counts(made) == (2, 2, 1, 0)
    assert [(told["name"], told["status"]) for told in made["files"]] == [
        ("0.png", "added"),
        ("1.png", "added"),
        ("2.png", "already_there"),
    ]
    changed = add(own, made, files=images(picture(2), picture(1)))
    assert counts(changed) == (3, 1, 1, 0)
    expected = [store_image(own, picture(number))["id"] for number in range(3)]
    assert (
        members(own, made) == members(own, made, limit=1) == members(own, made, limit=2) == expected
    )
    assert changed["bytes"] == sum(len(picture(number)) for number in range(3))


@pytest.mark.parametrize("form", [False, True])
def test_stored_images_by_their_ids(own: httpx.Client, form: bool) -> None:
    ids = [store_image(own, picture(number))["id"] for number in range(3)]
    made = make(own)
    sent = (
        {"files": [("ids", (None, ids[2])), ("ids", (None, f"{ids[0]}, {ids[1]}"))]}
        if form
        else {"json": {"ids": [ids[2], *ids[:2]]}}
    )
    assert counts(add(own, made, **sent)) == (3, 3, 0, 0)
    assert members(own, made) == [ids[2], ids[0], ids[1]]
    assert counts(make(own, json={"name": "again", "ids": ids})) == (3, 3, 0, 0)


def test_a_reference_in_the_field_of_files_is_one_too_as_in_jobs(own: httpx.Client) -> None:
    stored = store_image(own, picture(0))["id"]
    made = make(own, files=[("image", (None, stored)), *images(picture(1))])
    assert [told["name"] for told in made["files"]] == [stored, "0.png"]


def test_a_zip_in_the_field_of_images(own: httpx.Client) -> None:
    answer = own.post("/v1/image-sets", files=images(zipped({"a.png": picture(0)})))
    refused(answer, 422, "not_an_image", "-F zip=@photos.zip")


def test_a_zip_that_curl_calls_a_form(own: httpx.Client) -> None:
    """`--data-binary` without a Content-Type sends the type of a form."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = own.post("/v1/image-sets", content=zipped({"a.png": picture(0)}), headers=headers)
    problem = refused(answer, 400, "invalid_request", "Content-Type: application/zip")
    assert len(problem["detail"]) < 1000


def test_one_bad_file_spoils_no_other_and_is_named(own: httpx.Client) -> None:
    made = make(own, files=images(picture(0), b"no image", moving("GIF"), b"", picture(1)))
    assert counts(made) == (2, 2, 0, 3)
    told = [(each["name"], each["status"], each["code"]) for each in made["files"]]
    assert told[1:4] == [
        ("1.png", "refused", "not_an_image"),
        ("2.png", "refused", "animated_image"),
        ("3.png", "refused", "image_missing"),
    ]
    assert all(each["detail"] for each in made["files"][1:4])
    mixed = add(own, made, json={"ids": [GONE, "nonsense", made["files"][0]["image"]]})
    assert [each["code"] for each in mixed["files"]] == ["unknown_image", "unknown_image", None]


def test_nothing_good_at_all_is_a_problem_and_makes_no_set(own: httpx.Client) -> None:
    refused(
        own.post("/v1/image-sets", files=images(b"no image")), 422, "not_an_image", "0.png", "PNG"
    )
    problem = refused(
        own.post("/v1/image-sets", files=images(b"no", b"image")), 422, "no_image_added", "0.png"
    )
    assert ["not_an_image" in error["message"] for error in problem["errors"]] == [True, True]
    refused(own.post("/v1/image-sets", json={"ids": [GONE]}), 422, "unknown_image", GONE)
    assert own.get("/v1/image-sets").json()["items"] == []


def test_nothing_sent_is_a_problem(own: httpx.Client) -> None:
    made = make(own)
    for sent in (
        {},
        {"json": {"ids": []}},
        {"files": {"ids": (None, "")}},
        {"content": b"", "headers": {"Content-Type": "application/zip"}},
    ):
        refused(
            own.post(made["urls"]["images"], **sent),
            422,
            "image_missing",
            "-F image=@a.jpg",
            "-F zip=@photos.zip",
        )


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        ({"json": {"ids": "sha256:x", "colour": 3}}, "/colour"),
        ({"json": {"ids": [5]}}, "/ids/0"),
        ({"json": {"ids": {"a": 1}}}, "/ids"),
        ({"files": {"picture": b"x"}}, "/picture"),
        ({"data": {"x" * 200: "1"}}, "/" + "x" * 80),
        ({"json": {"ids": [GONE] * 5001}}, "/ids"),
    ],
)
def test_fields_that_cannot_be(own: httpx.Client, sent: dict, pointer: str) -> None:
    problem = refused(
        own.post(make(own)["urls"]["images"], **sent),
        422,
        "invalid_parameters",
        "-F zip=@photos.zip",
    )
    assert problem["errors"][0]["pointer"] == pointer


def test_a_name_is_not_a_novel(own: httpx.Client) -> None:
    refused(own.post("/v1/image-sets", json={"name": "x" * 201}), 422, "invalid_parameters", "200")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (
            b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\nabc',
            "multipart/form-data; boundary=x",
        ),
        (b"nothing of a form", "multipart/form-data; boundary=x"),
        (b"--x--\r\n", "multipart/form-data"),
        (
            b"--x\r\nContent-Disposition: form-data\r\n\r\nabc\r\n--x--\r\n",
            "multipart/form-data; boundary=x",
        ),
    ],
)
def test_a_form_that_cannot_be_read(own: httpx.Client, body: bytes, kind: str) -> None:
    refused(
        own.post("/v1/image-sets", content=body, headers={"Content-Type": kind}),
        400,
        "invalid_request",
    )


def test_a_body_of_another_kind(own: httpx.Client) -> None:
    answer = own.post("/v1/image-sets", content=b"x", headers={"Content-Type": "image/png"})
    refused(answer, 415, "unsupported_media_type")


def test_pages(own: httpx.Client) -> None:
    made = sorted(
        (make(own, json={"name": str(number)})["id"] for number in range(5)), reverse=True
    )
    first = own.get("/v1/image-sets", params={"limit": 3}).json()
    second = own.get("/v1/image-sets", params={"limit": 3, "cursor": first["next_cursor"]}).json()
    assert [found["id"] for found in first["items"] + second["items"]] == made
    assert len(first["items"]) == 3 and second["next_cursor"] is None


@pytest.mark.parametrize("query", [{"cursor": "x"}, {"limit": "0"}, {"limit": "101"}])
@pytest.mark.parametrize("rest", ["", "/images"])
def test_a_page_that_cannot_be(own: httpx.Client, query: dict, rest: str) -> None:
    path = make(own)["urls"]["self"] + rest if rest else "/v1/image-sets"
    refused(own.get(path, params=query), 422, "invalid_parameters", next(iter(query)))


def test_a_deleted_set_is_gone_and_its_images_stay(own: httpx.Client, settings: Settings) -> None:
    made = make(own, files=images(picture(0)))
    assert own.delete(made["urls"]["self"]).status_code == 204
    for answer in (
        own.get(made["urls"]["self"]),
        own.get(made["urls"]["images"]),
        own.delete(made["urls"]["self"]),
        own.post(made["urls"]["images"], files=images(picture(0))),
    ):
        refused(answer, 404, "image_set_not_found", "another key")
    assert own.get(f"/v1/images/{made['files'][0]['image']}").status_code == 200
    assert ArtifactStore(settings.artifacts_location).keys("sets/") == []


@pytest.mark.parametrize("set_id", ["x", "0" * 32, "%2e%2e", "*"])
def test_a_set_that_is_not_there(own: httpx.Client, set_id: str) -> None:
    refused(own.get(f"/v1/image-sets/{set_id}"), 404, "image_set_not_found")


def test_a_full_set_takes_what_fits_and_says_so(serve: Serve, settings: Settings) -> None:
    client = serve(settings.model_copy(update={"max_set_images": 20}))
    made = make(client, files=images(*(picture(number) for number in range(25))))
    assert counts(made) == (20, 20, 0, 5)
    assert {told["code"] for told in made["files"][20:]} == {"image_set_full"}
    refused(
        client.post(made["urls"]["images"], files=images(picture(30))),
        422,
        "image_set_full",
        "/v1/image-sets",
    )


def test_so_many_sets_and_no_more(serve: Serve, settings: Settings) -> None:
    client = serve(settings.model_copy(update={"max_sets": 2}))
    make(client), make(client)
    refused(client.post("/v1/image-sets"), 422, "too_many_image_sets", "DELETE")


def test_so_many_files_and_no_more(serve: Serve, settings: Settings) -> None:
    client = serve(settings.model_copy(update={"max_upload_files": 3}))
    files = images(*(picture(number) for number in range(4)))
    refused(client.post("/v1/image-sets", files=files), 422, "too_many_files", "3", "zip")
    assert counts(make(client, files=files[:3])) == (3, 3, 0, 0)


def test_one_file_larger_than_an_image_may_be(serve: Serve, settings: Settings) -> None:
    client = serve(settings.model_copy(update={"max_body_bytes": 5000}))
    made = make(client, files=images(picture(0), bytes(5001)))
    assert [told["code"] for told in made["files"]] == [None, "file_too_large"]


def test_uploads_have_a_limit_of_their_own_and_json_has_not(own: httpx.Client) -> None:
    noise = [b"\xff" * MEGABYTE] * 40
    refused(own.post("/v1/image-sets", files=images(*noise)), 422, "no_image_added")
    text = b'{"name": "' + b"x" * (40 * MEGABYTE) + b'"}'
    answer = own.post("/v1/image-sets", content=text, headers={"Content-Type": "application/json"})
    refused(answer, 413, "body_too_large", "33,554,432")


def test_an_upload_over_the_limit(serve: Serve, settings: Settings) -> None:
    client = serve(settings.model_copy(update={"max_upload_bytes": 100_000}))
    refused(
        client.post("/v1/image-sets", files=images(bytes(100_000))),
        413,
        "body_too_large",
        "100,000",
        "several",
    )

    def unannounced():
        yield b"--x\r\n"
        yield bytes(100_000)

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert client.post("/v1/image-sets", content=unannounced(), headers=headers).status_code in (
        400,
        413,
    )


def test_the_server_answers_others_while_many_images_come(own: httpx.Client, coffee: bytes) -> None:
    """Images are not decoded on the event loop."""
    address = str(own.base_url)
    files = [("image", (f"{number}.jpg", coffee + bytes(number))) for number in range(150)]
    slowest = 0.0

    def watch() -> None:
        nonlocal slowest
        with httpx.Client(base_url=address, trust_env=False) as other:
            while not done:
                begin = time.monotonic()
                assert other.get("/healthz").status_code == 200
                slowest = max(slowest, time.monotonic() - begin)

    done = False
    watcher = threading.Thread(target=watch)
    watcher.start()
    begin = time.monotonic()
    made = make(own, files=files)
    took = time.monotonic() - begin
    done = True
    watcher.join()
    assert counts(made) == (150, 150, 0, 0)
    assert slowest < took / 3


def test_owners_do_not_see_each_others_sets(serve: Serve, settings: Settings) -> None:
    ring = KeyRing(settings.keys_location)
    keys = ring.create("alice"), ring.create("bob")
    address = str(serve(settings).base_url)
    alice, bob = (watchful(address, **{"X-API-Key": key}) for key in keys)
    with alice, bob:
        made = make(alice, files=images(picture(0)))
        for answer in (
            bob.get(made["urls"]["self"]),
            bob.get(made["urls"]["images"]),
            bob.delete(made["urls"]["self"]),
            bob.post(made["urls"]["images"], files=images(picture(1))),
        ):
            refused(answer, 404, "image_set_not_found")
        assert bob.get("/v1/image-sets").json()["items"] == []
        refused(bob.get("/v1/image-sets", params={"cursor": "x"}), 422, "invalid_parameters")
        refused(
            bob.post("/v1/image-sets", json={"ids": [made["files"][0]["image"]]}),
            422,
            "unknown_image",
        )
        assert alice.get(made["urls"]["self"]).json()["images"] == 1
    with watchful(address) as nobody:
        refused(nobody.get("/v1/image-sets"), 401, "unauthorized")
        refused(nobody.post("/v1/image-sets"), 401, "unauthorized")
