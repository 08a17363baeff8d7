"""The codes of all errors that a client can get, in a response or in the record of a failed job.

An exception has a `code` as text, and the table says the rest: packages that may not import the
catalog (the toolkit, and the Lua scripts of `jobs`) cannot say anything else.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class ProblemType:
    """What is known of every error with one code."""

    title: str
    # HTTP status of the response; None for a code that only failed jobs have.
    status: int | None = None
    # Whether the same request may succeed later.
    retryable: bool = False
    # Whether a job fails with it by no fault of its request: the operator has to mend something.
    fault: bool = False


PROBLEMS: dict[str, ProblemType] = {
    # Requests
    "invalid_request": ProblemType("The request cannot be read", 400),
    "invalid_idempotency_key": ProblemType("The idempotency key is not valid", 400),
    "unauthorized": ProblemType("A valid API key is required", 401),
    "keys_unavailable": ProblemType("The API keys cannot be read", 503, retryable=True),
    "keys_required": ProblemType("Without API keys the server accepts local requests only", 403),
    "forbidden_origin": ProblemType("Requests from other sites are refused", 403),
    "not_found": ProblemType("There is nothing at this address", 404),
    "method_not_allowed": ProblemType("This address does not support this method", 405),
    "idempotency_in_progress": ProblemType(
        "A request with this idempotency key is in progress", 409, retryable=True
    ),
    "body_too_slow": ProblemType("The request arrives too slowly", 408, retryable=True),
    "body_too_large": ProblemType("The request is too large", 413),
    "unsupported_media_type": ProblemType("The media type of the body is not supported", 415),
    "range_not_satisfiable": ProblemType("The file has no such range", 416),
    "idempotency_key_reused": ProblemType(
        "The idempotency key was used for a different request", 422
    ),
    "intake_full": ProblemType("Too much is being read at once", 503, retryable=True),
    "store_full": ProblemType("Redis has little memory left", 503, retryable=True),
    "too_many_requests": ProblemType("The owner has made too many requests", 429, retryable=True),
    "invalid_parameters": ProblemType("The parameters are not valid", 422),
    "webhook_refused": ProblemType("Webhooks are not sent to this address", 422),
    "too_expensive": ProblemType("The request costs more than the limit", 422),
    # What a request names
    "unknown_technique": ProblemType("There is no such technique", 404),
    "unknown_model": ProblemType("There is no such model", 422),
    "unsupported_technique": ProblemType("The technique cannot run in batches", 422),
    "unsupported_model": ProblemType("The technique does not work with this model", 422),
    "no_probability": ProblemType("The model has no probabilities", 422),
    "broken_model_file": ProblemType("The file of custom models is not valid", fault=True),
    "description_pending": ProblemType("The model has not been described yet", 503, retryable=True),
    "description_failed": ProblemType("The model cannot be described", 422),
    "invalid_target": ProblemType("The target cannot be read", 422),
    "unknown_layer": ProblemType("The model has no such layer", 422),
    "layer_without_map": ProblemType("The layer's output is not a map", 422),
    "unknown_channel": ProblemType("The layer has no such channel", 422),
    "unknown_position": ProblemType("The layer has no such position", 422),
    "no_gradient": ProblemType("The target has no gradient with respect to the image", 422),
    "unknown_class": ProblemType("The model has no such class", 422),
    "ambiguous_class": ProblemType("The text names two classes", 422),
    # Jobs and their files
    "job_not_found": ProblemType("There is no such job", 404),
    "artifact_not_found": ProblemType("The job has no such artifact", 404),
    "batch_not_found": ProblemType("There is no such batch", 404),
    "row_not_found": ProblemType("The batch has no such row", 404),
    "preview_not_found": ProblemType("The job has no preview", 404),
    "delivery_not_found": ProblemType("The job has no such delivery", 404),
    "job_running": ProblemType("The job is running", 409),
    "too_many_jobs": ProblemType("You have too many unfinished jobs", 429, retryable=True),
    "queue_full": ProblemType("Too many jobs are waiting", 503, retryable=True),
    "too_many_listeners": ProblemType("Too many clients listen to events", 503, retryable=True),
    "store_unavailable": ProblemType("The job store cannot be reached", 503, retryable=True),
    "artifact_store_unavailable": ProblemType(
        "The artifact store cannot be reached", 503, retryable=True
    ),
    # Images and arrays
    "image_missing": ProblemType("An image is missing", 422),
    "input_missing": ProblemType("An image or an array is missing", 422),
    "image_not_found": ProblemType("There is no such image", 404),
    "unknown_image": ProblemType("A referenced image is not stored", 422),
    "image_url_not_allowed": ProblemType("Images are not fetched from addresses", 422),
    "image_url_refused": ProblemType("Images are not fetched from this address", 422),
    "image_url_failed": ProblemType("The image could not be fetched", 422, retryable=True),
    "not_an_image": ProblemType("The file is not an image", 422),
    "broken_image": ProblemType("The image is damaged or incomplete", 422),
    "animated_image": ProblemType("The image has several frames", 422),
    "heic_not_installed": ProblemType("No decoder of HEIC is installed", 422),
    "transparent_image": ProblemType("The image is transparent everywhere", 422),
    "unknown_range": ProblemType("The file does not say which value is white", 422),
    "hdr_image": ProblemType("The image is encoded for HDR", 422),
    "unsupported_image": ProblemType("The image is of a kind that is not supported", 422),
    "image_too_large": ProblemType("The image has too many pixels", 422),
    "image_too_small": ProblemType("The image has too few pixels", 422),
    "image_too_narrow": ProblemType("The image is too narrow", 422),
    "unreadable_image": ProblemType("The image cannot be read"),
    "unknown_array": ProblemType("A referenced array is not stored", 422),
    "not_an_array": ProblemType("The file is not an array of numbers", 422),
    "broken_array": ProblemType("The array is damaged or incomplete", 422),
    "array_too_large": ProblemType("The array has too many numbers", 422),
    "wrong_channels": ProblemType("The image does not have the model's channels", 422),
    "array_out_of_range": ProblemType("The array is not in the model's units"),
    "wrong_shape": ProblemType("The array's shape does not match the layer", 422),
    "unreadable_array": ProblemType("The array cannot be read"),
    "input_gone": ProblemType("An input is no longer stored"),
    # Image sets
    "image_set_not_found": ProblemType("There is no such image set", 404),
    "unknown_image_set": ProblemType("There is no such image set", 422),
    "image_set_full": ProblemType("The image set is full", 422),
    "too_many_image_sets": ProblemType("Image set limit reached", 422),
    "image_set_gone": ProblemType("The image set was deleted or has expired"),
    "empty_image_set": ProblemType("The image set is empty", 422),
    "too_many_files": ProblemType("The request has too many files", 422),
    "file_too_large": ProblemType("The file is too large", 422),
    "no_image_added": ProblemType("None of the images was added", 422),
    "zip_broken": ProblemType("The zip file cannot be read", 422),
    "zip_too_large": ProblemType("The contents of the zip file are too large", 422),
    "zip_entry_encrypted": ProblemType("The zip entry is encrypted", 422),
    "zip_entry_unsupported": ProblemType("The zip entry has an unsupported format", 422),
    "zip_entry_damaged": ProblemType("The zip entry is damaged", 422),
    # Models, once they are loaded
    "model_failed": ProblemType("The model could not be loaded", fault=True),
    "weights_unavailable": ProblemType("The model's weights are unavailable", retryable=True),
    "weights_refused": ProblemType("The weights file contains more than tensors", fault=True),
    "weights_mismatch": ProblemType("The weights do not fit the model", fault=True),
    "weights_damaged": ProblemType("The weights file cannot be read", fault=True),
    "builder_failed": ProblemType("The model's builder failed", fault=True),
    "wrong_output": ProblemType("The model's output does not match its entry", fault=True),
    "unknown_recommended_layer": ProblemType("A recommended layer is not in the model", fault=True),
    "model_not_exportable": ProblemType(
        "The model cannot be exported as a graph of operators", fault=True
    ),
    "model_out_of_memory": ProblemType("Out of memory", retryable=True),
    "not_finite": ProblemType("The model returned NaN or infinity", fault=True),
    "one_size_only": ProblemType("The model takes images of one size only", 422),
    # Techniques, once the model is loaded
    "technique_failed": ProblemType("The technique failed", fault=True),
    "batch_failed": ProblemType("No image of the batch succeeded"),
    "no_relu": ProblemType("The model has no ReLU before the target"),
    "zero_map": ProblemType("The map is zero everywhere"),
    "relu_not_recognized": ProblemType("A ReLU of the model is not recognized", fault=True),
    "no_max_pooling": ProblemType("The model has no max pooling"),
    "target_not_behind_layer": ProblemType("The target does not depend on the layer"),
    "not_a_convolution": ProblemType("The layer is not a convolution"),
    "place_outside": ProblemType("The network does not see this place"),
    "nothing_to_invert": ProblemType("The embedding is zero everywhere"),
    "start_missing": ProblemType("The start image is missing"),
    "unit_silent": ProblemType("The target does not respond to any image"),
    "guide_without_layer": ProblemType("The guide has no layer target"),
    # Runs
    "deadline_exceeded": ProblemType("The deadline has passed", retryable=True),
    "poisoned": ProblemType("The job crashed its worker repeatedly", fault=True),
    "internal_error": ProblemType("Internal error", 500, retryable=True),
    # KServe's protocols
    "job_canceled": ProblemType("The job was canceled", 409),
    "not_in_time": ProblemType("The result is not there yet", 504, retryable=True),
}
