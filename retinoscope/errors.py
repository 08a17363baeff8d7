"""Errors that end a command."""


class StackError(Exception):
    """A command failed. The message says what to do."""
