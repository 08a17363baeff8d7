"""The demo's index.html: all maps side by side, then each technique with its pictures."""

from collections.abc import Iterable, Sequence
from html import escape

from retinoscope.demo_plan import PHOTOGRAPHS
from retinoscope.demo_sections import DemoResult, image, technique_section, what_one_sees
from retinoscope.demo_words import WHAT_ONE_SEES

_STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1240px;
       padding: 0 1rem; color: #1f1f1f; background: #fff }
h1 { margin-bottom: .2rem } h2 { margin: 3rem 0 .2rem } h3 { margin: 1.5rem 0 .4rem }
p { max-width: 70ch } .note, figcaption, th small { color: #595959; font-size: 13px }
.scroll { overflow-x: auto } table { border-collapse: separate; border-spacing: 8px }
th { font-weight: 600; text-align: left; vertical-align: bottom; font-size: 14px }
td, th { min-width: 150px; max-width: 200px } td { vertical-align: top; font-size: 13px }
th small { display: block; font-weight: 400 } .says th { vertical-align: top }
img { width: 100%; display: block; background: #eee; border-radius: 3px }
.pictures { display: flex; flex-wrap: wrap; gap: 1rem }
figure { margin: 0; flex: 1 1 260px; max-width: 400px }
figure.wide { flex: 2 1 520px; max-width: 620px }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; font-size: 14px }
dt { color: #595959 } dd { margin: 0; max-width: 70ch } .failed { color: #b00020 }
.legend { display: flex; flex-wrap: wrap; gap: .4rem 2rem; font-size: 14px; margin: .5rem 0 1rem }
.legend span { display: flex; align-items: center; gap: .5rem }
.bar { width: 120px; height: 14px; border-radius: 2px; display: inline-block }
.one { background: linear-gradient(90deg, #000004, #57106e, #bc3754, #f98e09, #fcffa4) }
.two { background: linear-gradient(90deg, #053061, #4393c3, #f7f7f7, #d6604d, #67001f) }
.none { background: #969696; width: 24px }
@media (prefers-color-scheme: dark) {
  body { color: #e8e8e8; background: #161616 } .failed { color: #ff8a80 }
  .note, figcaption, dt, th small { color: #b0b0b0 } a { color: #9ecbff }
}
"""
_LEGEND = """
<div class=legend aria-label=Colours>
<span><i class='bar one'></i> from no effect to the strongest; RISE: from the lowest score</span>
<span><i class='bar two'></i> blue: against the class, white: no effect, red: for it</span>
<span><i class='bar none'></i> no colour: the network does not see this part</span>
</div>"""
_OVERLAY = "overlay.png"


def page(results: Sequence[DemoResult], planned: int) -> str:
    """Return the HTML of the page. Its images are files in the same folder.

    `planned` is the number of jobs of the whole demo.
    """
    names = sorted({item.case.technique.name for item in results}, key=_place)
    sections = "".join(
        technique_section([item for item in results if item.case.technique.name == name])
        for name in names
    )
    ended = f"{len(results)} of {planned} jobs have ended; the others run, or were interrupted."
    unfinished = f"<p class=failed>{ended}</p>" if len(results) < planned else ""
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Retinoscope demo</title>"
        "<meta name=viewport content='width=device-width'>"
        f"<style>{_STYLE}</style><h1>What the model sees</h1>{unfinished}"
        f"{_comparison(results)}{sections}</html>"
    )


def _place(name: str) -> tuple[int, str]:
    """Return what a technique is sorted by: its place among the sentences, or its name."""
    known = list(WHAT_ONE_SEES)
    return (known.index(name) if name in known else len(known)), name


def _comparison(results: Sequence[DemoResult]) -> str:
    """Return the grid: a column for each technique that leaves a map, a row for each photograph."""
    maps = {
        (item.case.photograph, item.case.technique.name): (item, file)
        for item in results
        for file in _files(item, _OVERLAY)
    }
    found = {item.case.technique.name: item.case.technique for item, _ in maps.values()}
    columns = {name: found[name] for name in sorted(found, key=_place)}
    if not maps:
        return ""
    head = "".join(
        f"<th scope=col><a href='#{name}'>{escape(technique.title)}</a></th>"
        for name, technique in columns.items()
    )
    says = "".join(f"<td>{escape(what_one_sees(name))}</td>" for name in columns)
    rows = "".join(
        f"<tr><th scope=row>{image(f'{name}.png', name)}{_label(name, results)}</th>"
        + "".join(f"<td>{_map(maps.get((name, column)))}</td>" for column in columns)
        + "</tr>"
        for name in PHOTOGRAPHS
        if any(photograph == name for photograph, _ in maps)
    )
    return (
        "<p>Six techniques explain the same prediction. The colours mean the same in every picture "
        f"of a kind; the photograph below them is grey.</p>{_LEGEND}<div class=scroll><table>"
        f"<tr><th>Photograph</th>{head}</tr>{rows}<tr class=says><th>What one sees</th>{says}</tr>"
        "</table></div>"
    )


def _label(photograph: str, results: Sequence[DemoResult]) -> str:
    """Return the class that the maps of a photograph explain, with its probability."""
    for item in results:
        if item.case.photograph == photograph and list(_files(item, _OVERLAY)):
            summary = item.job["result"]["summary"]
            label, probability = summary["target"].get("label"), summary.get("probability")
            if label and probability is not None:
                return f"<small>{escape(label)}, probability {probability:.2f}</small>"
    return ""


def _map(found: tuple[DemoResult, str] | None) -> str:
    if found is None:
        return ""
    item, file = found
    return image(file, f"{item.case.technique.title} of {item.case.photograph}")


def _files(item: DemoResult, name: str) -> Iterable[str]:
    return (file for file in item.files if file.endswith(f"-{name}"))
