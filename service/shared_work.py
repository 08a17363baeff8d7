"""Which jobs are the same work: technique, model, weights, precision, parameters, inputs and version, for one owner."""

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from catalog.models import ModelEntry
from catalog.technique import Params
from jobs import redis_keys
from jobs.create_options import WorkKey
from jobs.model import Input
from service.job_request import SentJobRequest

_VERSION = version("retinoscope")


def work_of(
    order: SentJobRequest,
    params: Params,
    inputs: Mapping[str, Input],
    entry: ModelEntry,
    weights: str | None,
    precision: str,
) -> WorkKey | None:
    """None where the result is not settled by these: a seed that was drawn, an image set, weights not loaded yet."""
    seed_given = order.params.seed is not None
    drawn = params.depends_on_seed() and not seed_given
    if drawn or not params.deterministic() or weights is None:
        return None
    asked: dict[str, Any] = params.model_dump(mode="json", exclude=None if seed_given else {"seed"})
    basis = {"retinoscope": _VERSION, "weights": weights, "precision": precision}
    ids = {name: found.id for name, found in inputs.items()}
    own = entry.own and [
        entry.own.module,
        entry.own.function,
        entry.own.arguments,
        entry.own_labels,
    ]
    model = [entry.model_dump(mode="json"), own]
    same = json.dumps([order.technique.name, model, asked, ids, basis], sort_keys=True)
    name = redis_keys.work(order.owner, hashlib.sha256(same.encode()).hexdigest())
    return WorkKey(name, basis, redis_keys.weights(entry.name), order.options.cache)
