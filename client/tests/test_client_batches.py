"""Labels, and batches: one technique on all images of a set."""

import io
import json
import tarfile
from pathlib import Path

import pytest
from PIL import Image

from retinoscope_client import APIError, Client


@pytest.fixture
def folder(tmp_path: Path, coffee: bytes) -> Path:
    picture = Image.open(io.BytesIO(coffee)).convert("RGB")
    for number in range(3):
        picture.crop((100 * number, 0, 100 * number + 224, 224)).save(tmp_path / f"{number}.png")
    return tmp_path


def test_jobs_are_found_by_their_labels(rs: Client, photo: Path) -> None:
    job = rs.predict(photo, labels={"run": "α=1", "by": "test"}).job
    assert job["labels"] == {"run": "α=1", "by": "test"}
    found = rs.jobs(labels={"run": "α=1", "by": "test"})
    assert job["id"] in [each.id for each in found]
    assert job["id"] not in [each.id for each in rs.jobs(labels={"run": "2"})]


@pytest.fixture
def batches() -> None:
    pytest.importorskip("service.routes.batches", reason="this server has no batches")


@pytest.mark.usefixtures("batches")
def test_a_batch_from_a_folder_to_its_rows(rs: Client, folder: Path) -> None:
    images = rs.image_set(folder)
    options = {"params": {"target": "class:espresso"}, "outputs": ["values.npy"], "seed": 7}
    batch = rs.batch("saliency", images, **options, labels={"kind": "batch"})
    result = batch.wait()
    rows = batch.rows()
    assert [images.names[row["image"]] for row in rows] == [
        str(folder / f"{number}.png") for number in range(3)
    ]
    assert {row["status"] for row in rows} == {"succeeded"} and batch.rows(status="failed") == []
    lines = result["manifest.jsonl"].bytes.splitlines()
    assert [json.loads(line)["image"] for line in lines] == [row["image"] for row in rows]
    shard = next(name for name in result.names if name.endswith(".tar"))
    with tarfile.open(fileobj=io.BytesIO(result[shard].bytes)) as tar:
        assert sum(name.endswith("values.npy") for name in tar.getnames()) == 3


@pytest.mark.usefixtures("batches")
def test_a_batch_is_refused_as_a_job_is(rs: Client) -> None:
    with pytest.raises(APIError, match=r"image.set") as refused:
        rs.batch("saliency", "0" * 32)
    assert refused.value.status == 422
