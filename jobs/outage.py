"""An outage of Redis as a log should tell it: when it begins and when it ends.

Without this, everything that tries again twice a second fills the log for as long as Redis is away.
"""

import logging

_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.5, 4.0


class Outage:
    """What one part of a process knows about whether Redis answers.

    `part` names it in the log, for example "the reconciler". An instance belongs to one thread.
    """

    def __init__(self, part: str, log: logging.Logger) -> None:
        self._part = part
        self._log = log
        # The delay after the next failed try, or None while Redis answers.
        self._delay_s: float | None = None

    def failed(self, error: Exception) -> float:
        """Note a failed try, and log the first one. Return the seconds until the next try.

        The delay doubles each time up to four seconds.
        """
        if self._delay_s is None:
            self._delay_s = _FIRST_DELAY_S
            self._log.warning("%s waits for Redis: %s", self._part, type(error).__name__)
        delay_s = self._delay_s
        self._delay_s = min(2 * delay_s, _LONGEST_DELAY_S)
        return delay_s

    def succeeded(self) -> None:
        """Note that Redis answers, and log it if it did not before."""
        if self._delay_s is not None:
            self._log.warning("%s has Redis again", self._part)
        self._delay_s = None
