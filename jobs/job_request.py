"""The request for a job that admission hands over, with resolved parameters and stored inputs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from jobs.model import Input

_INPUTS = TypeAdapter(Mapping[str, Input])


@dataclass(frozen=True)
class JobRequest:
    """A resolved request for one job.

    `params` holds every parameter, defaults and seed included, as JSON values.
    `inputs` holds the stored images and arrays by parameter name.
    `batchable` allows a worker to run the job in one batch with others of its technique and model.
    `request_id` names the request of the client in the logs, and `traceparent` its trace.
    `cost` is what the job takes of its owner's share: about the passes through the default model.
    """

    owner: str
    technique: str
    model: str
    queue: str
    params: Mapping[str, Any]
    inputs: Mapping[str, Input] = field(default_factory=dict)
    batchable: bool = False
    cost: float = 1.0
    request_id: str = ""
    traceparent: str = ""

    def to_record(self) -> dict[str, Any]:
        """Return the fields of the record as JSON values."""
        named = {"request_id": self.request_id, "traceparent": self.traceparent}
        return {name: value for name, value in named.items() if value} | {
            "owner": self.owner,
            "technique": self.technique,
            "model": self.model,
            "queue": self.queue,
            "params": dict(self.params),
            "inputs": _INPUTS.dump_python(self.inputs, mode="json"),
            "gathers": self.batchable,
            "cost": self.cost,
        }
