"""A job's inputs, read from the object store: images, arrays and its image set."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from PIL import Image
from redis import Redis

from catalog.image_set import ImageSetParams
from catalog.technique import Params
from jobs.artifacts import ArtifactStore
from jobs.batch import BatchSpec
from jobs.errors import NotFound
from jobs.image_sets import ImageSetStore
from jobs.model import InputArray, InputImage, Job
from jobs.settings import Settings
from jobs.uploads import ArrayStore, ImageStore
from workers.toolkit.errors import ImageSetGone
from workers.toolkit.images.array import Input, read_array
from workers.toolkit.images.decode import decode


class JobInputs:
    """Reads what a job's record refers to. Every read is limited to the job's owner."""

    def __init__(self, redis: Redis, files: ArtifactStore, settings: Settings) -> None:
        self._images = ImageStore(redis, files, settings)
        self._arrays = ArrayStore(redis, files, settings)
        self._sets = ImageSetStore(redis, files, self._images, settings)

    def read(self, job: Job) -> Mapping[str, Input]:
        """Return decoded RGB images and float32 arrays by input name. Raises NotFound."""
        return {name: self._input(job.owner, stored) for name, stored in job.inputs.items()}

    def image_set(self, job: Job, params: Params) -> "JobImageSet | None":
        """Return the image set that the parameters name, or None if the technique takes none."""
        if not isinstance(params, ImageSetParams):
            return None
        return JobImageSet(self._sets, self._images, job.owner, params.image_set)

    def batch_images(self, job: Job, spec: BatchSpec) -> "JobImageSet":
        """Return the images that a batch runs over."""
        return JobImageSet(self._sets, self._images, job.owner, spec.image_set, spec.images)

    def _input(self, owner: str, stored: InputImage | InputArray) -> Input:
        if isinstance(stored, InputArray):
            return read_array(self._arrays.read(owner, stored.id))
        return decode(self._images.read(owner, stored.id))


class JobImageSet:
    """Implements workers.toolkit.images.image_set.ImageSet on the object store.

    The set's members are read once, when they are first needed: the first `count`, or all. Images
    that are added later do not take part.
    """

    def __init__(
        self,
        sets: ImageSetStore,
        images: ImageStore,
        owner: str,
        set_id: str,
        count: int | None = None,
    ) -> None:
        self._sets = sets
        self._images = images
        self._owner = owner
        self._id = set_id
        self._count = count

    @cached_property
    def images(self) -> Sequence[str]:
        """The image ids in order. Raises ImageSetGone."""
        try:
            count = self._count or self._sets.get(self._owner, self._id).images
            return self._sets.members(self._owner, self._id, 0, count)
        except NotFound:
            raise ImageSetGone(
                "The image set was deleted. Create it again and submit a new job."
            ) from None

    def open(self, image_id: str) -> Image.Image:
        """Return the decoded image."""
        return decode(self._images.read(self._owner, image_id))

    def pixels(self, image_id: str) -> int:
        """Return how many pixels the image has; 0 if it is not stored any more."""
        try:
            stored = self._images.get(self._owner, image_id)
        except NotFound:
            return 0
        return stored.width * stored.height

    def kept(self, name: str) -> bytes | None:
        """Return the file that an earlier job kept beside the set, or None."""
        return self._sets.kept(self._owner, self._id, name)

    def keep(self, name: str, data: bytes) -> None:
        """Keep a file beside the set for later jobs. Raises ImageSetGone."""
        try:
            self._sets.keep(self._owner, self._id, name, data)
        except NotFound:
            raise ImageSetGone("The image set was deleted while the job ran.") from None
