"""What a client asked for, read and typed, before anything was decided for it."""

from collections.abc import Mapping
from dataclasses import dataclass

from catalog.technique import Params, Technique
from service.job_options import JobOptions


@dataclass(frozen=True)
class Order:
    """`params` has a seed only if the client gave one; an image is bytes, or a reference to one that is stored."""

    owner: str
    technique: Technique
    params: Params
    options: JobOptions
    images: Mapping[str, bytes | str]
