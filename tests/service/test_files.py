"""The files of a job: their headers, their bytes, and their text chunks."""

import hashlib
import io
import json
import zipfile

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.service.asking import ended, queue, refused

NAMES = ["heatmap.png", "overlay.png", "values.npy"]


def artifact(job: dict, name: str) -> dict:
    [found] = [item for item in job["result"]["artifacts"] if item["name"] == name]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_headers_and_bytes_are_as_the_job_says(
    client: httpx.Client, explained: dict, name: str
) -> None:
    said = artifact(explained, name)
    answer = client.get(said["url"])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == said["media_type"]
    assert int(answer.headers["content-length"]) == len(answer.content) == said["bytes"]
    assert f"sha256:{hashlib.sha256(answer.content).hexdigest()}" == said["sha256"]
    assert answer.headers["etag"] == f'"{said["sha256"]}"'
    assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize("name", NAMES)
def test_a_browser_shows_pictures_and_saves_the_rest(
    client: httpx.Client, explained: dict, name: str
) -> None:
    headers = client.get(artifact(explained, name)["url"]).headers
    shown = "inline" if name.endswith(".png") else "attachment"
    assert headers["content-disposition"] == f'{shown}; filename="{name}"'
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "private" in headers["cache-control"]


def test_head_tells_all_but_the_bytes(client: httpx.Client, explained: dict) -> None:
    url = artifact(explained, "values.npy")["url"]
    head, whole = client.head(url), client.get(url)
    assert (head.status_code, head.content) == (200, b"")
    of_the_request = {"date": "", "x-request-id": ""}
    assert {**head.headers, **of_the_request} == {**whole.headers, **of_the_request}


def test_who_has_it_already_is_not_sent_it_again(client: httpx.Client, explained: dict) -> None:
    said = artifact(explained, "heatmap.png")
    etag = f'"{said["sha256"]}"'
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = client.get(said["url"], headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag), (
            known
        )
    assert client.get(said["url"], headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("name", ["heatmap.png", "overlay.png"])
def test_a_picture_says_how_it_was_made(client: httpx.Client, explained: dict, name: str) -> None:
    picture = Image.open(io.BytesIO(client.get(artifact(explained, name)["url"]).content))
    said = picture.text
    assert said["retinoscope:technique"] == "saliency"
    assert said["retinoscope:model"] == "efficientnet_lite0"
    assert json.loads(said["retinoscope:params"]) == explained["params"]
    assert json.loads(said["retinoscope:params"])["seed"] == 7
    assert not any("/work" in text or "/tmp" in text for text in said.values())


def test_the_heatmap_lies_over_the_image(client: httpx.Client, explained: dict) -> None:
    sizes = {
        Image.open(io.BytesIO(client.get(artifact(explained, f"{name}.png")["url"]).content)).size
        for name in ("heatmap", "overlay")
    }
    image = explained["inputs"]["image"]
    assert sizes == {(image["width"], image["height"])}


def test_the_values_are_raw_and_hold_no_pickle(client: httpx.Client, explained: dict) -> None:
    data = client.get(artifact(explained, "values.npy")["url"]).content
    values = np.load(io.BytesIO(data), allow_pickle=False)
    summary = explained["result"]["summary"]
    assert (values.shape, values.dtype) == ((224, 224), np.float32)
    assert np.isfinite(values).all()
    assert float(values.max()) == pytest.approx(summary["maximum"])
    assert float(values.min()) == pytest.approx(summary["minimum"])


@pytest.mark.parametrize(
    "name", ["nothing.png", "heatmap", "heatmap.png%00", "%2e%2e", "HEATMAP.PNG"]
)
def test_a_file_that_the_job_did_not_leave(
    client: httpx.Client, explained: dict, name: str
) -> None:
    refused(
        client.get(f"{explained['urls']['self']}/artifacts/{name}"),
        404,
        "artifact_not_found",
        *NAMES,
    )


def test_of_a_job_without_files_that_is_said(client: httpx.Client, small: bytes) -> None:
    url = ended(client, queue(client, "predict", small))["urls"]["self"]
    assert (
        "none."
        in refused(client.get(f"{url}/artifacts/a.png"), 404, "artifact_not_found")["detail"]
    )


@pytest.mark.parametrize(
    "name", ["../heatmap.png", "..%2f..%2f..%2fredis%2fredis.conf", "/etc/passwd"]
)
def test_no_path_leads_out_of_the_job(client: httpx.Client, explained: dict, name: str) -> None:
    assert client.get(f"{explained['urls']['self']}/artifacts/{name}").status_code == 404


def test_all_files_come_in_a_zip(client: httpx.Client, explained: dict) -> None:
    url = f"{explained['urls']['self']}/artifacts.zip"
    answer = client.get(url)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert int(answer.headers["content-length"]) == len(answer.content)
    name = f"saliency-{explained['id']}.zip"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == NAMES
        for name in NAMES:
            assert archive.read(name) == client.get(artifact(explained, name)["url"]).content
    assert client.get(url).content == answer.content
    unchanged = client.get(url, headers={"If-None-Match": answer.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


def test_a_job_without_files_has_no_zip(client: httpx.Client, stored: str) -> None:
    job = queue(client, "predict", stored)
    refused(client.get(f"{job['urls']['self']}/artifacts.zip"), 404, "artifact_not_found", "none")
    ended(client, job)
    refused(client.get(f"{job['urls']['self']}/artifacts.zip"), 404, "artifact_not_found", "none")
