"""The refusal of a file as an image."""


class ImageRefused(Exception):
    """A file that cannot be read rightly: a code of the table of problems, and what to change."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
