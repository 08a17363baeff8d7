"""The lines that this process would log as JSON."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from jobs.log_format import JsonFormatter


class LogLines(logging.Handler):
    """Keeps each line as a dictionary."""

    def __init__(self, process: str = "tests", **named: str) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter(process, named))
        self.all: list[dict] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.all.append(json.loads(self.format(record)))

    def having(self, **named: object) -> list[dict]:
        """Return the lines with these fields."""
        return [line for line in self.all if named.items() <= line.items()]


@contextmanager
def log_lines(process: str = "tests", **named: str) -> Iterator[LogLines]:
    """Collect every line from INFO on that is logged inside."""
    handler, root = LogLines(process, **named), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)
