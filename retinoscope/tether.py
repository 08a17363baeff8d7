"""`python -m retinoscope.tether PARENT COMMAND …`: becomes the command, and dies when the parent dies."""

import os
import sys

from jobs.process import die_with_parent

if __name__ == "__main__":
    die_with_parent(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 — to become the command is the point
