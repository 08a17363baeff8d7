"""`retinoscope serve`: the stack until it is stopped."""

import ipaddress
import signal
import threading
from types import FrameType

from jobs.api_keys import KeyRing
from jobs.settings import settings
from retinoscope.errors import StackError
from retinoscope.stack import Plan, running

_WATCH_EVERY_S = 0.5


def serve(plan: Plan) -> None:
    """Run the stack until Ctrl-C or SIGTERM, and restart what crashes. Raises StackError."""
    check_binding(plan)
    stop_requested = threading.Event()

    def request_stop(_signal: int, _frame: FrameType | None) -> None:
        stop_requested.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, request_stop)
    with running(plan, stop_requested) as stack:
        print(
            f"Retinoscope listens on {plan.address}  "
            f"(page: {plan.address}/play/, API docs: {plan.address}/docs, data: {plan.data})",
            flush=True,
        )
        print("Press Ctrl-C to stop.", flush=True)
        while not stop_requested.wait(_WATCH_EVERY_S):
            stack.watch()
        print("Stopping …", flush=True)
    print("Stopped.", flush=True)


def check_binding(plan: Plan) -> None:
    """Refuse to listen beyond loopback without API keys. Raises StackError."""
    keys = KeyRing(settings().model_copy(update={"data": plan.data}).keys_location)
    if not _loopback(plan.host) and not keys.all():
        raise StackError(
            f"Refusing to listen on {plan.host} without API keys: anyone could use this server. "
            f"Create a key first: retinoscope keys create NAME --data {plan.data}"
        )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
