"""A number of bytes that requests of several owners share, so that none has all of them."""

from collections import Counter

from jobs.api_keys import LOCAL_OWNER


class SharedBytes:
    """Bytes that owners take and give back. One owner has half of them at most.

    Without keys there is one owner, who may have all. `largest` bytes at once always fit where
    nothing is taken. An instance knows no locks: use it on one thread, or under a lock.
    """

    def __init__(self, most: int, largest: int = 0) -> None:
        self.most = max(most, largest)
        self._share = max(self.most // 2, largest)
        self._taken: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        """The bytes that all owners have now."""
        return self._taken.total()

    def fits(self, owner: str, count: int) -> bool:
        """Return whether the owner may take so many more now."""
        return self.has_share(owner, count) and self.taken + count <= self.most

    def has_share(self, owner: str, count: int) -> bool:
        """Return whether so many more are within the owner's share.

        An owner who has none may take more than the share: one image may need it.
        """
        own = self._taken[owner]
        return not own or owner == LOCAL_OWNER or own + count <= self._share

    def take(self, owner: str, count: int) -> None:
        """Let the owner have so many more."""
        self._taken[owner] += count

    def give_back(self, owner: str, count: int) -> None:
        """Take them back from the owner."""
        self._taken[owner] -= count
        if not self._taken[owner]:
            del self._taken[owner]
