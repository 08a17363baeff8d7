"""Every setting, read from environment variables that begin with RETINOSCOPE_."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, IPvAnyNetwork, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from jobs.root_path import checked_root_path

MEGABYTE = 1 << 20


class Settings(BaseSettings):
    """The settings of one process."""

    model_config = SettingsConfigDict(env_prefix="RETINOSCOPE_", extra="ignore")

    redis_url: str = Field(
        "redis://127.0.0.1:6379/0", description="Redis or Valkey, version 6.2 or later."
    )
    artifacts_url: str = Field(
        "",
        description="Object store: file:///…, s3://…, gs://… or az://…. "
        "If empty, the folder `artifacts` in `DATA`.",
    )
    data: Path = Field(Path(".data"), description="Data folder of the one-machine stack.")
    keys_file: Path | None = Field(
        None,
        description="File of the API keys that `retinoscope keys` makes. "
        "If unset, `keys.json` in `DATA`.",
    )
    allowed_hosts: list[str] = Field(
        [], description="Host names besides loopback that requests may name while no key exists."
    )
    root_path: str = Field(
        "",
        description="Path under which a proxy shows the API, such as /retinoscope. A trusted "
        "proxy may name it in the header `X-Forwarded-Prefix` instead.",
    )
    trusted_proxies: list[IPvAnyNetwork] = Field(
        ["127.0.0.1", "::1"],
        validate_default=True,
        description="Addresses or networks whose `X-Forwarded-For`, `X-Forwarded-Proto` and "
        "`X-Forwarded-Prefix` are believed.",
    )

    log_format: Literal["text", "json"] = Field(
        "text", description="Form of the lines that API, workers and maintenance log."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Lowest level of the lines that they log."
    )

    job_ttl_s: int = Field(
        7 * 86400, ge=60, description="Lifetime of jobs, artifacts, images and image sets."
    )
    lease_s: float = Field(
        10, ge=0.5, description="Time without a heartbeat after which a worker loses its job."
    )
    publish_grace_s: float = Field(
        5,
        ge=0.2,
        description="Time after which a queued job that no worker took is published again. "
        "Each further wait is twice as long, up to five minutes.",
    )
    stalled_after_s: float = Field(
        600, gt=0, description="Time without progress after which a job is taken from its worker."
    )
    max_attempts: int = Field(
        3, ge=1, description="Worker crashes after which a job fails permanently (`poisoned`)."
    )
    orphan_sweep_s: float = Field(
        3600, gt=0, description="Interval between searches for files that have no record."
    )
    orphan_grace_s: float = Field(
        86400, ge=0, description="Age from which a file that has no record is deleted."
    )
    archive_after_s: float = Field(
        86_400,
        gt=0,
        description="Time after its end at which the record of a job moves from Redis to the "
        "artifact store. Lists and reads show it as before.",
    )
    checkpoint_every_s: float = Field(
        5,
        ge=0,
        description="Minimum time between checkpoints of a long job. It is longer where writing "
        "one takes more than a tenth of that time.",
    )
    batch_shard_bytes: int = Field(
        256 * MEGABYTE,
        ge=1024,
        description="Bytes of one shard of a batch. A row that needs more has one of its own.",
    )
    max_listeners: int = Field(
        1000, ge=1, description="Event streams of one API process. Further ones get a 503."
    )
    max_listeners_per_owner: int = Field(
        250,
        ge=1,
        description="Event streams of one owner at one API process. Further ones get a 503.",
    )
    max_passes: int = Field(
        25_000,
        ge=1,
        description="Images of the model's input size that one job may send through the model. "
        "A job that needs more gets a 422.",
    )
    max_cost: int = Field(
        5_000_000,
        ge=1,
        description="Multiplications of one job, in images of the default model. A job that needs "
        "more gets a 422. They are counted when a worker describes the model.",
    )
    default_deadline_s: float | None = Field(
        None,
        ge=1,
        description="Deadline of a job that names none, from its acceptance. If unset, such a job "
        "may take as long as it lives (`JOB_TTL_S`).",
    )
    max_queued: int = Field(10_000, ge=1, description="Waiting jobs. Further ones get a 503.")
    max_queued_per_owner: int = Field(
        5_000, ge=1, description="Unfinished jobs of one owner. Further ones get a 429."
    )

    max_body_bytes: int = Field(
        32 * MEGABYTE, ge=1024, description="Bytes of a request body, and of one image in a set."
    )
    max_bodies_bytes: int = Field(
        512 * MEGABYTE,
        ge=1024,
        description="Bytes of the request bodies that one API process holds in memory at the same "
        "time; one owner has half of them at most. Further requests get a 503. One body that is "
        "allowed always fits where there is no other.",
    )
    body_pause_s: float = Field(
        30, gt=0, description="Time for which a body may pause. A slower one gets a 408."
    )
    body_timeout_s: float = Field(
        600,
        gt=0,
        description="Time for which the API waits for the parts of one body, in all. A slower one "
        "gets a 408.",
    )
    max_pixels: int = Field(50_000_000, ge=1024, description="Pixels of one image.")
    max_decoding_bytes: int = Field(
        1 << 30,
        ge=1024,
        description="Bytes of the images that one API process decodes at the same time. Further "
        "images wait. One that alone needs more is decoded alone.",
    )
    intake_threads: int = Field(
        8,
        ge=1,
        description="Requests whose images one API process reads at the same time. Each holds one "
        "file in memory; further requests wait.",
    )
    max_array_values: int = Field(4_194_304, ge=1, description="Numbers in one array.")
    min_side: int = Field(8, ge=1, description="Minimum length of an image's sides in pixels.")

    fetch_images: bool = Field(
        False,
        description="Whether an image may be sent as an https address, which is fetched.",
    )
    fetch_hosts: list[str] = Field(
        [],
        description="The only hosts that images are fetched from; `.example.com` stands for all "
        "names that end so. If empty, every public host.",
    )

    max_set_images: int = Field(10_000, ge=1, description="Images of one set.")
    max_set_bytes: int = Field(
        16 << 30, ge=1024, description="Bytes of the images of one set, as they were sent."
    )
    max_sets: int = Field(1_000, ge=1, description="Image sets of one owner.")
    max_upload_bytes: int = Field(
        256 * MEGABYTE, ge=1024, description="Bytes of one request that adds images to a set."
    )
    max_uploads_bytes: int = Field(
        2 << 30,
        ge=1024,
        description="Bytes of such requests that one API process keeps in temporary files at the "
        "same time; one owner has half of them at most. Further ones get a 503.",
    )
    max_upload_files: int = Field(
        1_000, ge=1, description="Files of one request that adds images to a set."
    )
    max_zip_entries: int = Field(
        10_000, ge=1, description="Entries of the zip files of one request."
    )
    max_zip_bytes: int = Field(
        1 << 30, ge=1024, description="Unpacked bytes of the zip files of one request."
    )

    webhook_hosts: list[str] = Field(
        [],
        description="The only hosts that webhooks may be sent to; `.example.com` stands for all "
        "names that end so. If empty, every public host.",
    )
    webhook_http: bool = Field(
        False, description="Whether webhooks may also be sent by http, to port 80."
    )

    models: Path | None = Field(
        None,
        description="TOML file of your own models (see models.md), for the API and the workers, "
        "and of served names (see kserve.md), for the API.",
    )
    served_name: str = Field(
        "", description="One more served name for the API; `--model_name` sets it (see kserve.md)."
    )
    served_model: str = Field(
        "", description="The model, or the served name, that this name stands for."
    )
    device: str = Field(
        "auto", description="Device of a worker, such as auto, cpu, cuda or cuda:1."
    )
    precision: Literal["float32", "tf32"] = Field(
        "float32",
        description="Arithmetic on GPUs, the same for the API and all workers. With `tf32`, "
        "convolutions and matrix products may round their inputs to ten bits, and a job's "
        "`provenance.rounding` states the effect on its output.",
    )
    threads: int = Field(
        0, ge=0, description="Torch threads of a worker on CPU. 0 leaves the choice to torch."
    )
    warm_models: list[str] = Field(
        ["efficientnet_lite0"], description="Models that a worker loads when it starts."
    )
    model_memory_bytes: int = Field(
        4 << 30, ge=0, description="Bytes of the weights that one worker keeps loaded."
    )

    @field_validator("redis_url")
    @classmethod
    def _check_redis_url(cls, url: str) -> str:
        if not url.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError(
                "the URL of one primary begins with redis://, rediss:// or unix://. A cluster "
                "cannot be used, and Sentinel only behind a proxy: see docs/operations.md"
            )
        return url

    @field_validator("root_path")
    @classmethod
    def _check_root_path(cls, path: str) -> str:
        return checked_root_path(path)

    @property
    def artifacts_location(self) -> str:
        """The URL of the object store."""
        return self.artifacts_url or (self.data.resolve() / "artifacts").as_uri()

    @property
    def keys_location(self) -> Path:
        """The path of the key file."""
        return self.keys_file or self.data / "keys.json"

    @property
    def job_ttl_ms(self) -> int:
        """`job_ttl_s` in milliseconds."""
        return round(self.job_ttl_s * 1000)

    @property
    def lease_ms(self) -> int:
        """`lease_s` in milliseconds."""
        return round(self.lease_s * 1000)

    @property
    def publish_grace_ms(self) -> int:
        """`publish_grace_s` in milliseconds."""
        return round(self.publish_grace_s * 1000)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the settings of this process, read once."""
    return Settings()
