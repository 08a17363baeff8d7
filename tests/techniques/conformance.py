"""What a run returned and left, beside what the catalog declares of its technique."""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from catalog.registry import find_technique
from catalog.technique import Params, Summary
from workers.toolkit.execution.context import LocalContext


@contextmanager
def files_of_one_run(context: LocalContext) -> Iterator[dict[str, bytes]]:
    """Yield the files that the block saves, also in a context that several runs share."""
    earlier, context.files = context.files, {}
    try:
        yield context.files
    finally:
        context.files = earlier | context.files


def assert_conforms(
    name: str, params: Params, summary: Summary, files: Iterable[str], kinds: dict[str, str]
) -> None:
    """Fail unless the summary has its schema and no further field, and the files are declared.

    `params` are the resolved parameters, and `kinds` the media types that are known.
    """
    assert type(summary) is find_technique(name).summary
    sent = json.loads(json.dumps(summary.to_json(), allow_nan=False))
    errors = [f"{error.json_path}: {error.message}" for error in validator(name).iter_errors(sent)]
    assert not errors, (name, errors)
    _assert_files(name, params, files, kinds)


@cache
def validator(name: str) -> Draft202012Validator:
    """Return the validator of the published schema of a summary, without any further field."""
    return Draft202012Validator(
        closed(find_technique(name).summary.model_json_schema(mode="serialization"))
    )


def closed(node: Any) -> Any:
    """Return the schema with no other fields than it names."""
    if isinstance(node, list):
        return [closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    inner = {key: closed(value) for key, value in node.items()}
    is_schema = node.get("type") == "object" and "properties" in node
    return {"additionalProperties": False} | inner if is_schema else inner


def _assert_files(name: str, params: Params, files: Iterable[str], kinds: dict[str, str]) -> None:
    declared = {spec.name: spec for spec in find_technique(name).artifacts}
    left = {re.sub(r"\d+", "{n}", file): file for file in files}
    wanted = {pattern for pattern, spec in declared.items() if spec.is_asked_for(params)}
    assert left.keys() == wanted, (name, left.keys() ^ wanted)
    for pattern, file in left.items():
        assert kinds.get(file, "") in ("", declared[pattern].media_type), (name, file)
