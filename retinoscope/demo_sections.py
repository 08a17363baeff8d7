"""The sections of the demo's page: each technique with its pictures and numbers."""

from collections.abc import Sequence
from html import escape
from typing import Any, Protocol

from retinoscope.demo_plan import MODEL, DemoCase
from retinoscope.demo_words import CAPTIONS, NUMBERS, WHAT_ONE_SEES

# Pictures that need the width of two.
_WIDE = ("figure.png", "check.png", "filters.png", "channels.png", "sheet.png", "strip.png")


class DemoResult(Protocol):
    """A job of the demo that has ended, with the names of its files."""

    case: DemoCase
    job: dict[str, Any]
    seconds: float
    files: list[str]


def technique_section(items: Sequence[DemoResult]) -> str:
    """Return the section of a technique: what one sees, then each job."""
    technique = items[0].case.technique
    return (
        f"<h2 id='{technique.name}'>{escape(technique.title)}</h2>"
        f"<p>{escape(what_one_sees(technique.name, technique.description))}</p>"
        f"<p class=note>{escape(technique.reference)}</p>{''.join(map(_job, items))}"
    )


def what_one_sees(name: str, description: str = "") -> str:
    """Return the page's own sentence, or the first one of the technique's description."""
    return WHAT_ONE_SEES.get(name) or description.partition("\n")[0]


def _job(item: DemoResult) -> str:
    title = f"<h3>{escape(_title(item))}</h3>"
    if item.job["status"] != "succeeded":
        error = item.job["error"] or {"detail": item.job["status"]}
        return f"{title}<p class=failed>{escape(str(error['detail']))}</p>"
    pictures = "".join(
        _figure(file, artifact["name"])
        for file, artifact in zip(item.files, item.job["result"]["artifacts"], strict=True)
        if artifact["name"] in CAPTIONS
    )
    return f"{title}<div class=pictures>{pictures}</div>{_numbers(item)}"


def _title(item: DemoResult) -> str:
    """Return the photograph, the target and what else was asked for, as a heading."""
    fields = item.case.fields
    asked = fields.get("target") or fields.get("goal") or fields.get("layers") or "top"
    parts = [item.case.photograph] if item.case.photograph != MODEL else []
    parts += [] if asked == "top" else [asked.removeprefix("class:")]
    return ", ".join(parts).capitalize() or "The model itself"


def _figure(file: str, name: str) -> str:
    wide = " class=wide" if name in _WIDE else ""
    caption = CAPTIONS[name]
    return f"<figure{wide}>{image(file, caption)}<figcaption>{caption}</figcaption></figure>"


def _numbers(item: DemoResult) -> str:
    """Return the numbers of the summary that are worth reading, and the time."""
    summary = item.job["result"]["summary"]
    found = [(label, _at(summary, path)) for path, label in NUMBERS]
    rows = [(label, _text(value)) for label, value in found if value not in (None, [], "top")]
    rows.append(("Time", f"{item.seconds:.1f} s"))
    return f"<dl>{''.join(f'<dt>{k}</dt><dd>{escape(v)}</dd>' for k, v in rows)}</dl>"


def _at(value: Any, path: str) -> Any:
    """Return what lies at a path of names and indices in a summary, or None."""
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return None if isinstance(value, dict) else value


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return str(value)


def image(file: str, text: str) -> str:
    """Return a picture that links to its file."""
    name, described = escape(file, quote=True), escape(text, quote=True)
    return f"<a href='{name}'><img src='{name}' alt='{described}' loading=lazy></a>"
