"""The image set of a job: photographs from the object store, files kept beside them."""

from collections.abc import Sequence
from functools import cached_property

from PIL import Image

from jobs.errors import NotFound
from jobs.image_sets import ImageSetStore
from jobs.uploads import ImageStore
from workers.toolkit.errors import ImageSetGone
from workers.toolkit.images.decode import decode


class JobImageSet:
    """Implements workers.toolkit.images.image_set.ImageSet. The images are those of the moment when it is first asked."""

    def __init__(self, sets: ImageSetStore, images: ImageStore, owner: str, set_id: str) -> None:
        self._sets = sets
        self._images = images
        self._owner = owner
        self._id = set_id

    @cached_property
    def images(self) -> Sequence[str]:
        """The ids in order. Raises ImageSetGone."""
        try:
            count = self._sets.get(self._owner, self._id).images
            return self._sets.members(self._owner, self._id, 0, count)
        except NotFound:
            raise ImageSetGone("The image set was deleted. Make it again, and a new job.") from None

    def open(self, image_id: str) -> Image.Image:
        return decode(self._images.read(self._owner, image_id))

    def kept(self, name: str) -> bytes | None:
        return self._sets.kept(self._owner, self._id, name)

    def keep(self, name: str, data: bytes) -> None:
        """Raises ImageSetGone."""
        try:
            self._sets.keep(self._owner, self._id, name, data)
        except NotFound:
            raise ImageSetGone("The image set was deleted while the job ran.") from None
