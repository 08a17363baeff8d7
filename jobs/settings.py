"""Every setting, from environment variables that begin with RETINOSCOPE_."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MEGABYTE = 1 << 20


class Settings(BaseSettings):
    """The one settings object, passed whole."""

    model_config = SettingsConfigDict(env_prefix="RETINOSCOPE_", extra="ignore")

    redis_url: str = Field("redis://127.0.0.1:6379/0", description="Redis or Valkey, 6.2 or later.")
    artifacts_url: str = Field(
        "",
        description="Object store: file:///…, s3://…, gs://…, az://…; the folder `artifacts` in `data` if empty.",
    )
    data: Path = Field(Path(".data"), description="Folder of the one-machine stack.")
    keys_file: Path | None = Field(
        None, description="API keys made by `retinoscope keys`; `keys.json` in `data`."
    )
    allowed_hosts: list[str] = Field(
        [], description="Host names that a request may name besides loopback."
    )

    job_ttl_s: int = Field(
        7 * 86400, ge=60, description="Life of a job with its artifacts, and of an image."
    )
    lease_s: float = Field(10, ge=0.5, description="A worker silent for so long has lost its job.")
    publish_grace_s: float = Field(
        5, ge=0.2, description="A queued job not taken for so long is published again."
    )
    stalled_after_s: float = Field(
        600, gt=0, description="A job without a sign of progress for so long is taken away."
    )
    max_attempts: int = Field(
        3, ge=1, description="Deaths of a worker after which a job is called poisoned."
    )
    orphan_sweep_s: float = Field(
        3600, gt=0, description="Seconds between two searches for files without a record."
    )
    orphan_grace_s: float = Field(
        86400, ge=0, description="Age at which a file without a record is deleted."
    )
    checkpoint_every_s: float = Field(
        5, ge=0, description="Seconds between checkpoints of a long job, at least."
    )
    max_listeners: int = Field(
        1000, ge=1, description="Event streams of one API process; one more is refused with 503."
    )
    max_passes: int = Field(
        25_000,
        ge=1,
        description="Images of the model's size that one job may send through it; more is refused with 422.",
    )
    max_queued: int = Field(10_000, ge=1, description="Jobs waiting; one more is refused with 503.")
    max_queued_per_owner: int = Field(
        5_000,
        ge=1,
        description="Jobs of one owner that have not ended; one more is refused with 429.",
    )

    max_body_bytes: int = Field(32 * MEGABYTE, ge=1024)
    max_pixels: int = Field(50_000_000, ge=1024, description="Pixels of one image.")
    max_array_values: int = Field(4_194_304, ge=1, description="Numbers of one array.")
    min_side: int = Field(8, ge=1, description="Pixels of an image's shorter side.")

    max_set_images: int = Field(10_000, ge=1, description="Images of one set.")
    max_set_bytes: int = Field(
        16 << 30, ge=1024, description="Bytes of one set's images, as they were sent."
    )
    max_sets: int = Field(1_000, ge=1, description="Image sets of one owner.")
    max_upload_bytes: int = Field(
        256 * MEGABYTE, ge=1024, description="One request that adds images to a set."
    )
    max_upload_files: int = Field(1_000, ge=1, description="Files of one such request.")
    max_zip_entries: int = Field(
        10_000, ge=1, description="Entries of the zip files of one request."
    )
    max_zip_bytes: int = Field(
        1 << 30, ge=1024, description="What the zip files of one request hold, unpacked."
    )

    models: Path | None = Field(
        None, description="TOML file of your own models: docs/models.md. The menu reads it."
    )
    device: str = Field("auto", description="Device of a worker: auto, cpu, cuda, cuda:1 …")
    precision: Literal["float32", "tf32"] = Field(
        "float32",
        description="Arithmetic on GPUs, the same for API and workers; provenance has the error of tf32.",
    )
    threads: int = Field(
        0, ge=0, description="Torch threads of a worker on CPU; 0 is torch's own choice."
    )
    warm_models: list[str] = Field(
        ["efficientnet_lite0"], description="Models a worker loads before it is asked."
    )
    model_memory_bytes: int = Field(4 << 30, ge=0, description="Weights kept warm in one worker.")

    @property
    def artifacts_location(self) -> str:
        return self.artifacts_url or (self.data.resolve() / "artifacts").as_uri()

    @property
    def keys_location(self) -> Path:
        return self.keys_file or self.data / "keys.json"


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
