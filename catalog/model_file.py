"""The models file: the TOML file that RETINOSCOPE_MODELS names.

It has tables [models.NAME], one for each custom model, and [served.NAME], one for each name that
KServe's protocols call.
"""

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.errors import BrokenModelFile, near_matches

VARIABLE = "RETINOSCOPE_MODELS"
_KINDS = ("models", "served")


@dataclass(frozen=True)
class ModelFileTables:
    """The tables of a file by their names, in its order and not checked yet."""

    models: dict[str, Any]
    served: dict[str, Any]


def model_file() -> Path | None:
    """Return the file that RETINOSCOPE_MODELS names, or None."""
    path = os.environ.get(VARIABLE, "").strip()
    return Path(path) if path else None


def read_tables(file: Path) -> ModelFileTables:
    """Return the tables of a file. Raises BrokenModelFile."""
    content = _parsed(file)
    strangers = [name for name in content if name not in _KINDS]
    tables = {kind: content.get(kind, {}) for kind in _KINDS}
    are_tables = all(isinstance(table, dict) for table in tables.values())
    if strangers or not are_tables or not any(tables.values()):
        raise BrokenModelFile(
            f"{file} must have a table [models.NAME] for each model and [served.NAME] for each "
            f"served name, and nothing else.{_about(strangers)}"
        )
    return ModelFileTables(**tables)


def _about(strangers: list[str]) -> str:
    if not strangers:
        return ""
    return f" {strangers[0]!r} does not belong there.{near_matches(strangers[0], _KINDS)}"


def _parsed(file: Path) -> dict[str, Any]:
    """Return the content of a TOML file. Raises BrokenModelFile."""
    try:
        # Editors on Windows begin a file with a byte order mark, which TOML does not allow.
        return tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise BrokenModelFile(
            f"There is no file {str(file)!r}. {VARIABLE} must name the TOML file of custom models."
        ) from None
    except UnicodeDecodeError:
        raise BrokenModelFile(f"{file} is not UTF-8. Save it as UTF-8.") from None
    except OSError as error:
        raise BrokenModelFile(f"{file} cannot be read ({type(error).__name__}).") from None
    except tomllib.TOMLDecodeError as error:
        raise BrokenModelFile(f"{file} is not TOML: {error}.") from None
