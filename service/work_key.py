"""The deduplication key: which jobs of one owner are the same work."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from catalog.models import ModelEntry
from jobs import redis_keys
from jobs.create_options import WorkKey
from jobs.model import Input
from jobs.version import VERSION
from service.job_request import ParsedJobRequest


def work_key(
    request: ParsedJobRequest,
    model: ModelEntry,
    inputs: Mapping[str, Input],
    weights: str | None,
    precision: str,
) -> WorkKey | None:
    """Return the key that all jobs with the result of this resolved request share.

    Technique, model, weights, precision, parameters, inputs and version make the key. There is
    none where these do not determine the result: for a seed that was drawn, for an image set, and
    for a model whose weights no worker has loaded yet.
    """
    params = request.params
    traits = params.traits()
    seed_drawn = traits.uses_seed and not request.seed_given
    if seed_drawn or not traits.deterministic or weights is None:
        return None
    excluded = None if request.seed_given else {"seed"}
    asked: dict[str, Any] = params.model_dump(mode="json", exclude=excluded)
    basis = {"retinoscope": VERSION, "weights": weights, "precision": precision}
    ids = {name: stored.id for name, stored in inputs.items()}
    content = json.dumps(
        [request.technique.name, _model_facts(model), asked, ids, basis], sort_keys=True
    )
    digest = hashlib.sha256(content.encode()).hexdigest()
    return WorkKey(
        redis_keys.work(request.owner, digest),
        basis,
        redis_keys.weights(model.name),
        request.options.cache,
    )


def _model_facts(model: ModelEntry) -> list[Any]:
    """Return all that the entry says, including what its JSON form leaves out."""
    own = model.own and [
        model.own.module,
        model.own.function,
        model.own.arguments,
        model.own_labels,
    ]
    return [model.model_dump(mode="json"), own]
