"""The table in docs/operations.md is derived from the settings."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from jobs.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
HEAD = "| name | default | meaning |\n| --- | --- | --- |\n"
SIZES = ((1 << 30, "GiB"), (1 << 20, "MiB"))


def shown(name: str, default: Any) -> str:
    """Return a default as the environment takes it, with a readable form of byte counts."""
    if default in (None, ""):
        return ""
    text = str(default).replace("'", '"')
    if "bytes" in name:
        size, unit = next(pair for pair in SIZES if default >= pair[0])
        return f"`{text}` ({default // size} {unit})"
    return f"`{text}`"


def table() -> str:
    """Return the table of the settings' own descriptions."""
    rows = [
        f"| `{name.upper()}` | {shown(name, field.default)} | {field.description} |\n"
        for name, field in Settings.model_fields.items()
    ]
    return HEAD + "".join(rows)


def test_the_page_lists_every_setting_with_its_default_and_meaning() -> None:
    assert table() in PAGE.read_text(), f"docs/operations.md needs this table:\n\n{table()}"


def test_every_setting_has_a_description() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description and field.description.endswith("."), name


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("redis_url", "redis+cluster://127.0.0.1:6379", "cluster"),
        ("redis_url", "sentinel://127.0.0.1:26379", "Sentinel"),
        ("root_path", "retinoscope", "begins with /"),
        ("root_path", "/v1/eye", "/v1"),
        ("trusted_proxies", ["proxy.internal"], "network"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(name: str, value: Any, word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        Settings(**{name: value})
