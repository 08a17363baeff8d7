"""`python -m retinoscope`."""

from retinoscope.cli import main

main()
