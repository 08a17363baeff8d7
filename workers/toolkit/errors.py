"""Refusals of a technique once it knows the model and the image; each has a stable code."""


class TechniqueError(Exception):
    """A request that cannot be carried out; the message says what to change."""

    code = "technique_failed"


class NoRectifier(TechniqueError):
    """No ReLU lies between the input and the target."""

    code = "no_relu"


class HiddenRectifier(TechniqueError):
    """Operators that work as a ReLU are not recognized as one, so that a rule would miss them."""

    code = "relu_not_recognized"


class NotFinite(TechniqueError):
    """The model returned NaN or infinity, or the optimization diverged to it."""

    code = "not_finite"


class NotExportable(TechniqueError):
    """torch.export cannot make a graph of the model."""

    code = "model_not_exportable"


class UnreadableImage(TechniqueError):
    """The file cannot be decoded as an image."""

    code = "unreadable_image"


class UnreadableArray(TechniqueError):
    """The file is not an array of finite floating-point numbers."""

    code = "unreadable_array"


class WrongUnits(TechniqueError):
    """The array is not in the units of the model's mean and standard deviation."""

    code = "array_out_of_range"


class NothingToInvert(TechniqueError):
    """The embedding is zero everywhere."""

    code = "nothing_to_invert"


class LayerWithoutMap(TechniqueError):
    """The layer's output has one place only."""

    code = "layer_without_map"


class NotBehind(TechniqueError):
    """The target does not depend on the layer."""

    code = "target_not_behind_layer"


class NoGradient(TechniqueError):
    """The target has no gradient, since a step of the model has none."""

    code = "no_gradient"


class NotAConvolution(TechniqueError):
    """The layer is not a convolution."""

    code = "not_a_convolution"


class UnknownPosition(TechniqueError):
    """The layer's map, at the size of this run, does not have the position."""

    code = "unknown_position"


class OneSizeOnly(TechniqueError):
    """The model cannot be exported for inputs of another size than its own."""

    code = "one_size_only"


class NoStart(TechniqueError):
    """The optimization is to start from an image that was not sent."""

    code = "start_missing"


class UnitSilent(TechniqueError):
    """The unit has the same value and no gradient at every picture that was tried."""

    code = "unit_silent"


class ImageSetGone(TechniqueError):
    """The image set was deleted or has expired."""

    code = "image_set_gone"


class PlaceOutside(TechniqueError):
    """The place lies outside the part of the image that the network sees."""

    code = "place_outside"


class NoGuide(TechniqueError):
    """A guide image was sent, but no target is a layer."""

    code = "guide_without_layer"


class EmptyImageSet(TechniqueError):
    """The image set has no images."""

    code = "empty_image_set"


class NoMaxPooling(TechniqueError):
    """The model has no max pooling that average pooling could replace."""

    code = "no_max_pooling"


class ZeroMap(TechniqueError):
    """The map of an attribution is zero everywhere."""

    code = "zero_map"


class OutOfMemory(TechniqueError):
    """Not even the smallest piece of the work fits into the device's memory."""

    code = "model_out_of_memory"
