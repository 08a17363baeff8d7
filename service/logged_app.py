"""The application as a process of its own runs it.

That is `uvicorn --factory service.logged_app:logged_app`. With `create_app` the log is left to the
caller.
"""

import logging

from fastapi import FastAPI

from jobs.log_format import configure_logging
from jobs.tracing import configure_tracing
from service.app import create_app

# The server's own handlers write text. Its lines go to the handler of the process instead.
_SERVER_LOGGERS = ("uvicorn", "uvicorn.error")


def logged_app() -> FastAPI:
    """Configure log and traces of this process, and build the application."""
    configure_logging("api")
    configure_tracing("api")
    for name in _SERVER_LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    # The application writes a line of each request itself.
    access = logging.getLogger("uvicorn.access")
    access.handlers.clear()
    access.propagate = False
    return create_app()
