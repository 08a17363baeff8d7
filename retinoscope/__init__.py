"""The face: the command line, the one-machine stack, the demo. Loads torch only in `retinoscope run`."""
