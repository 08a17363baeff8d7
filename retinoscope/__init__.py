"""The command line, the stack on one machine, and the demo.

Only `run` and `models check` import the workers; the stack starts them as child processes.
"""
