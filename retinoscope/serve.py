"""`retinoscope serve`: the stack until somebody stops it."""

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
    """Start, say where, watch; stop in good order on Ctrl-C and SIGTERM. Raises StackError."""
    check_binding(plan)
    told = threading.Event()

    def tell(_signal: int, _frame: FrameType | None) -> None:
        told.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, tell)
    with running(plan, told) as stack:
        print(
            f"Retinoscope serves on {plan.address}  (API docs: {plan.address}/docs, data: {plan.data})",
            flush=True,
        )
        print("Press Ctrl-C to stop.", flush=True)
        while not told.wait(_WATCH_EVERY_S):
            stack.watch()
        print("Stopping …", flush=True)
    print("Stopped.", flush=True)


def check_binding(plan: Plan) -> None:
    """Refuse to listen beyond loopback while anybody could use the server. Raises StackError."""
    keys = KeyRing(settings().model_copy(update={"data": plan.data}).keys_location)
    if not _loopback(plan.host) and not keys.all():
        raise StackError(
            f"Refusing to listen on {plan.host} without API keys: anybody could use this server. "
            f"Make one first: retinoscope keys create NAME --data {plan.data}"
        )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
