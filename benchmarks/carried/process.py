"""Run a module of the service with the technique `nothing`: `process.py MODULE ARGUMENT…`."""

import runpy
import sys
from pathlib import Path

import catalog.techniques

_HERE = Path(__file__).parent


def main() -> None:
    """Add the technique to the packages, and run the module as if it were called."""
    catalog.techniques.__path__.append(str(_HERE / "catalog"))
    sys.argv = sys.argv[1:]
    if sys.argv[0] == "workers":
        import workers.techniques  # noqa: PLC0415  # loads torch, which the API does not

        workers.techniques.__path__.append(str(_HERE / "workers"))
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
