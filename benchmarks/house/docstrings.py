"""How many functions begin their docstring with an imperative verb, and what is documented at all.

The rule is pydocstyle's D401, read strictly: the first word must be one of the verbs in verbs.txt.
D401 itself lets pass what it does not know, such as "The weights of a layer.". Properties are
counted apart, since PEP 257 lets them be described by a noun.
"""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.house.shape import Function, modules

_VERBS = frozenset(Path(__file__).with_name("verbs.txt").read_text().split())


def measures(root: Path) -> dict[str, str]:
    """Return the measures of a checkout's docstrings, by what they say."""
    documented = list(_documented(root))
    verbs = [_begins_with_verb(doc) for _, doc in documented]
    calls = [
        verb for (node, _), verb in zip(documented, verbs, strict=True) if not _is_property(node)
    ]
    public = [bool(doc) for _, doc in _public(root)]
    return {
        "function docstrings that begin as fragments": _share(verbs.count(False), len(verbs)),
        "the same without properties": _share(calls.count(False), len(calls)),
        "public functions and classes with a docstring": _share(sum(public), len(public)),
    }


def fragment_words(root: Path) -> Counter[str]:
    """Count the first words that are not in verbs.txt."""
    documented = (doc for _, doc in _documented(root))
    return Counter(_first_word(doc) for doc in documented if not _begins_with_verb(doc))


def _documented(root: Path) -> Iterator[tuple[Function, str]]:
    for path in modules(root):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, Function) and (doc := ast.get_docstring(node)):
                yield node, doc


def _public(root: Path) -> Iterator[tuple[str, str | None]]:
    """Yield public functions and classes of every file, and public methods of public classes."""
    for path in modules(root):
        yield from _public_in(ast.parse(path.read_text()))


def _public_in(owner: ast.Module | ast.ClassDef) -> Iterator[tuple[str, str | None]]:
    for node in owner.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, ast.get_docstring(node)
            if isinstance(node, ast.ClassDef):
                yield from _public_in(node)


def _begins_with_verb(doc: str) -> bool:
    return _first_word(doc).lower() in _VERBS


def _first_word(doc: str) -> str:
    words = doc.split()
    return words[0].strip(".,:;!?()") if words else ""


def _is_property(node: Function) -> bool:
    names = (ast.unparse(decorator) for decorator in node.decorator_list)
    return any(name.rpartition(".")[2] in ("property", "cached_property") for name in names)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}"
