"""What stops a command, as a sentence."""


class StackError(Exception):
    """The stack cannot start or has failed; the message says what to do."""
