"""The demo's index.html: every result next to its photograph, with the summary."""

from collections.abc import Sequence
from html import escape
from typing import Any, Protocol

from retinoscope.demo_plan import PHOTOGRAPHS, DemoCase

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1200px;
       padding: 0 1rem; color: #222 }
h2 { margin: 2.5rem 0 .5rem; text-transform: capitalize }
section { border-top: 1px solid #ddd; padding: 1rem 0 }
.pictures { display: flex; flex-wrap: wrap; gap: 1rem }
figure { margin: 0; flex: 1 1 250px; max-width: 380px }
img { width: 100%; background: #f4f4f4 }
figcaption, .note { color: #666; font-size: 13px }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; font-size: 13px }
dt { color: #666 } dd { margin: 0 }
.failed { color: #b00 }
"""


class DemoResult(Protocol):
    """A job of the demo that has ended, with the names of its files."""

    case: DemoCase
    job: dict[str, Any]
    seconds: float
    files: list[str]


def page(results: Sequence[DemoResult]) -> str:
    """Return the HTML of the page. Its images are files in the same folder."""
    photographs = dict.fromkeys(item.case.photograph for item in results)
    body = "".join(
        _photograph(name, [item for item in results if item.case.photograph == name])
        for name in photographs
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Retinoscope demo</title>"
        "<meta name=viewport content='width=device-width'>"
        f"<style>{_STYLE}</style><h1>What the model sees</h1>{body}</html>"
    )


def _photograph(name: str, items: Sequence[DemoResult]) -> str:
    return f"<h2>{escape(name)}</h2>" + "".join(map(_section, items))


def _section(item: DemoResult) -> str:
    reference = escape(item.case.technique.reference)
    title = f"<h3>{escape(_title(item))}</h3><p class=note>{reference}</p>"
    if item.job["status"] != "succeeded":
        return f"<section>{title}<p class=failed>{escape(str(item.job['error']))}</p></section>"
    name = item.case.photograph
    pictures = [(f"{name}.png", "photograph")] if name in PHOTOGRAPHS else []
    pictures += [
        (file, artifact["name"])
        for file, artifact in zip(item.files, _artifacts(item), strict=True)
    ]
    figures = "".join(
        _figure(file, caption)
        for file, caption in pictures
        if file.endswith(".png") and "-patch-" not in file
    )
    return f"<section>{title}<div class=pictures>{figures}</div>{_summary(item)}</section>"


def _title(item: DemoResult) -> str:
    asked = item.case.fields.get("target") or item.case.fields.get("goal") or "top"
    return item.case.technique.title + ("" if asked == "top" else f": {asked}")


def _artifacts(item: DemoResult) -> list[dict[str, Any]]:
    artifacts: list[dict[str, Any]] = item.job["result"]["artifacts"]
    return artifacts


def _figure(file: str, caption: str) -> str:
    name, text = escape(file, quote=True), escape(caption, quote=True)
    picture = f"<a href='{name}'><img src='{name}' alt='{text}'></a>"
    return f"<figure>{picture}<figcaption>{text}</figcaption></figure>"


def _summary(item: DemoResult) -> str:
    numbers = item.job["result"]["summary"] | {"seconds": round(item.seconds, 1)}
    if "check" in numbers:
        numbers["check"] = numbers["check"]["verdict"]
    rows = "".join(
        f"<dt>{escape(str(key))}</dt><dd>{escape(_text(value))}</dd>"
        for key, value in numbers.items()
    )
    return f"<dl>{rows}</dl>"


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return (
            ", ".join(map(_text, value))
            if not any(isinstance(v, dict) for v in value)
            else " · ".join(map(_text, value))
        )
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(part)}" for key, part in value.items() if part is not None)
    return str(value)
