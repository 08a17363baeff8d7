"""`python -m retinoscope`, which imports nothing from the current folder but itself."""

import sys
from pathlib import Path

# `-m` has put the current folder first, where a file of any name may be.
if not sys.flags.safe_path and Path(__file__).resolve().parents[1] != Path.cwd():
    sys.path.pop(0)

from retinoscope.cli import main

main()
