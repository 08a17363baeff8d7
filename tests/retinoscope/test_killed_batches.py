"""The worker of a batch is killed twice; every image has its row, once, and the bytes of a job."""

import io
import json
import signal

import httpx
import pytest
from PIL import Image

from tests.retinoscope.serving import serving
from tests.wait import wait_until

pytestmark = pytest.mark.crash

COUNT = 24


def crops(photo: bytes) -> list[tuple[str, tuple[str, bytes]]]:
    whole, made = Image.open(io.BytesIO(photo)), []
    for number in range(COUNT):
        buffer = io.BytesIO()
        whole.crop((number * 8, number * 4, 240 + number * 8, 200 + number * 4)).save(buffer, "PNG")
        made.append(("image", (f"{number}.png", buffer.getvalue())))
    return made


def read(client: httpx.Client, url: str) -> dict:  # type: ignore[type-arg]
    """Return what is there, or an empty object while the API does not answer."""
    try:
        return client.get(url).json()  # type: ignore[no-any-return]
    except httpx.TransportError:
        return {}


def test_a_batch_whose_worker_is_killed_twice_is_complete(
    tmp_path_factory: pytest.TempPathFactory, coffee: bytes
) -> None:
    settings = {"RETINOSCOPE_CHECKPOINT_EVERY_S": "0.2", "RETINOSCOPE_LEASE_S": "2"}
    with serving(tmp_path_factory.mktemp("batch"), **settings) as stack:
        made = stack.client.post("/v1/image-sets", files=crops(coffee)).json()
        sent = {"technique": "saliency", "image_set": made["id"], "exact": True}
        batch = stack.client.post("/v1/batches", json=sent).json()
        url = batch["urls"]["self"]
        for wanted in (COUNT // 3, 2 * COUNT // 3):
            wait_until(
                lambda wanted=wanted: (
                    read(stack.client, url).get("counts", {"done": 0})["done"] >= wanted
                ),
                120,
            )
            for process in stack.workers():
                process.send_signal(signal.SIGKILL)
        wait_until(lambda: read(stack.client, url).get("finished_at"), 180)
        batch = read(stack.client, url)
        assert (batch["status"], batch["attempts"]) == ("succeeded", 3), batch["error"]
        lines = stack.client.get(f"{url}/artifacts/manifest.jsonl").content.splitlines()
        rows = [json.loads(line) for line in lines]
        assert [row["index"] for row in rows] == list(range(COUNT))
        assert {row["status"] for row in rows} == {"succeeded"}
        for row in (rows[0], rows[COUNT // 2], rows[-1]):
            single = stack.client.post(
                "/v1/jobs/saliency",
                json={"image": row["image"], "seed": row["seed"]},
                headers={"Prefer": "wait=60"},
            ).json()
            for artifact in single["result"]["artifacts"]:
                item = f"{url}/items/{row['image']}/{artifact['name']}"
                ours, theirs = stack.client.get(item), stack.client.get(artifact["url"])
                assert ours.content == theirs.content
