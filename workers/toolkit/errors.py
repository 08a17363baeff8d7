"""What a technique can refuse once it knows the model. Each has a stable code."""


class TechniqueError(Exception):
    """The request cannot be carried out; the message says what to change."""

    code = "technique_failed"
    title = "The technique could not be carried out"
    retryable = False


class NoRectifier(TechniqueError):
    code = "no_relu"
    title = "There is no ReLU before the target"


class NotFinite(TechniqueError):
    code = "not_finite"
    title = "The model returned NaN or infinity"


class NotExportable(TechniqueError):
    code = "model_not_exportable"
    title = "The model cannot be turned into a graph of operators"


class UnreadableImage(TechniqueError):
    code = "unreadable_image"
    title = "The image cannot be read"


class UnreadableArray(TechniqueError):
    code = "unreadable_array"
    title = "The array cannot be read"


class NothingToInvert(TechniqueError):
    code = "nothing_to_invert"
    title = "The embedding is zero everywhere"


class NotAMap(TechniqueError):
    code = "layer_without_map"
    title = "The layer has no map"


class NotBehind(TechniqueError):
    code = "target_not_behind_layer"
    title = "The target does not depend on the layer"


class NotAConvolution(TechniqueError):
    code = "not_a_convolution"
    title = "The layer is not a convolution"


class NoSuchPlace(TechniqueError):
    code = "unknown_position"
    title = "There is nothing at this place"


class OneSizeOnly(TechniqueError):
    code = "one_size_only"
    title = "The model takes images of one size only"


class NoStart(TechniqueError):
    code = "start_missing"
    title = "There is no image to start from"


class ImageSetGone(TechniqueError):
    code = "image_set_gone"
    title = "The image set is gone"


class PlaceOutside(TechniqueError):
    code = "place_outside"
    title = "The network does not see this place"


class NoGuide(TechniqueError):
    code = "guide_without_layer"
    title = "The guide has no layer to lead"


class EmptyImageSet(TechniqueError):
    code = "empty_image_set"
    title = "The image set is empty"


class NoMaxPooling(TechniqueError):
    code = "no_max_pooling"
    title = "The model has no max pooling"


class OutOfMemory(TechniqueError):
    code = "model_out_of_memory"
    title = "Out of memory"
    retryable = True
