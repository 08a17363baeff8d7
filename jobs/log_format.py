"""The log of a process: one line per record on standard error, as text or as JSON.

Each line names its time (UTC), level, process and process id, its message, and the fields of
jobs/log_context.py. Control characters are escaped, so that no text of a client can pretend to be
another line. In JSON a traceback is a field; in text its lines are indented.
"""

import json
import logging
import re
import sys
import threading
from datetime import UTC, datetime
from textwrap import indent
from types import TracebackType
from typing import Any

from jobs import log_context
from jobs.settings import Settings, settings

log = logging.getLogger(__name__)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class _Formatter(logging.Formatter):
    """What both formats have in common. `named` are fields of the process itself."""

    def __init__(self, process: str, named: dict[str, Any]) -> None:
        super().__init__()
        self._process = process
        self._named = named

    def _fields(self, record: logging.LogRecord) -> dict[str, Any]:
        return {**self._named, **log_context.fields(), **getattr(record, "fields", {})}

    def _traceback(self, record: logging.LogRecord) -> str:
        parts = [self.formatException(record.exc_info)] if record.exc_info else []
        return "\n".join([*parts, *([record.stack_info] if record.stack_info else [])])


class JsonFormatter(_Formatter):
    """Formats a record as a line with one JSON object, in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": _time(record),
            "level": record.levelname,
            "process": self._process,
            "pid": record.process,
            "logger": record.name,
            "message": record.getMessage(),
            **self._fields(record),
        }
        if traceback := self._traceback(record):
            line["traceback"] = traceback
        return json.dumps(line, default=str)


class TextFormatter(_Formatter):
    """Formats a record as text, with `name=value` for each field. A traceback is indented."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, or several with a traceback."""
        named = "".join(f" {name}={value}" for name, value in self._fields(record).items())
        head = f"{_time(record)} {record.levelname} {self._process}[{record.process}]"
        line = _CONTROL.sub(_escaped, f"{head} {record.getMessage()}{named}")
        traceback = self._traceback(record)
        return f"{line}\n{indent(traceback, '    ')}" if traceback else line


def configure_logging(process: str, config: Settings | None = None, **named: Any) -> None:
    """Write every record of this process to standard error, in the format of the settings.

    `process` says what the process is, and `named` are fields of each of its lines. Warnings and
    exceptions that nothing catches become records, too.
    """
    config = config or settings()
    formatter = JsonFormatter if config.log_format == "json" else TextFormatter
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(process, named))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(config.log_level)
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


def _log_uncaught(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
        return
    log.critical("the process ends: %s", kind.__name__, exc_info=(kind, error, traceback))


def _log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
        name = args.thread.name if args.thread else "unknown"
        uncaught = (args.exc_type, args.exc_value, args.exc_traceback)
        log.error("the thread %s ends: %s", name, args.exc_type.__name__, exc_info=uncaught)
