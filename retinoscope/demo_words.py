"""What the demo's page says of each technique, of its pictures and of its numbers."""

# What one sees in the pictures of a technique, in one or two sentences.
WHAT_ONE_SEES = {
    "occlusion": "Red is where a grey patch lowers the score: the model relies on what lies there. "
    "Blue is where hiding something raises it.",
    "rise": "Bright is where the score was higher on average whenever that place was visible under "
    "random masks.",
    "grad_cam": "Bright is where a deep layer responds in favour of the class: coarse, but on the "
    "object.",
    "saliency": "Bright is where a small change of the pixel changes the score most: fine, and "
    "noisier than the others.",
    "guided_backprop": "Bright are edges and textures that excite the neuron. They look sharp, but "
    "depend little on the class.",
    "integrated_gradients": "Red pixels speak for the class, compared with a black image, and blue "
    "ones against it.",
    "predict": "The classes that the model finds most probable.",
    "embed": "The output of a layer as numbers, to compare images with each other.",
    "filters": "The weights of the first layer: edges, colours and their opposites. Crossed out "
    "are filters that training has left without weights.",
    "activations": "One tile for each channel of a layer: bright is where it responds. The first "
    "ones respond most.",
    "top_patches": "The places in a set of photographs where one channel responds most: what they "
    "have in common is what it looks for.",
    "top_channels": "The channels that respond most to this photograph, each with the places where "
    "it responds most in other photographs.",
    "activation_maximization": "An image made from noise that excites a class or a channel as far "
    "as possible.",
    "inversion": "What can be rebuilt of the photograph from a layer alone: colours are lost "
    "first, then places.",
    "deep_dream": "The photograph, changed so that a layer responds to it more: what the layer "
    "looks for grows out of what is there.",
    "style_transfer": "The content of the photograph in the colours and textures of another one.",
    "fooling": "A change too small to see, or mere noise, that the model takes for another class.",
}

CAPTIONS = {
    "figure.png": "The photograph and the map",
    "overlay.png": "The map over the photograph",
    "gradient.png": "The gradient in colour; grey is zero",
    "check.png": "Check: how the score follows what the map marks",
    "start.png": "Before",
    "image.png": "Result",
    "difference.png": "The change, amplified; grey is none",
    "strip.png": "Layer by layer",
    "filters.png": "Each filter of the layer; grey is zero",
    "sheet.png": "One tile per channel, with its number",
    "patches.png": "The best places",
    "places.png": "Where they lie",
    "channels.png": "One row per channel",
}

# The numbers that are worth reading, by their places in the summary, and their names for people.
NUMBERS = (
    ("target.label", "Class"),
    ("target.text", "Target"),
    ("predictions.0.label", "First class"),
    ("predictions.0.probability", "Its probability"),
    ("predictions.1.label", "Second class"),
    ("predictions.1.probability", "Its probability"),
    ("probability", "Probability"),
    ("check.verdict", "Check"),
    ("verdict", "Finding"),
    ("largest_fall", "Largest fall by one patch"),
    ("positions", "Patches"),
    ("masks", "Masks"),
    ("convergence_delta", "Error of the sum"),
    ("rectifiers", "ReLUs on the way"),
    ("layer", "Layer"),
    ("layers.0.layer", "First layer"),
    ("score_before", "Score of the start"),
    ("score_after", "Score of the result"),
    ("before.label", "Class before"),
    ("before.probability", "Its probability"),
    ("after.label", "Class after"),
    ("after.probability", "Its probability"),
    ("l2", "Size of the change (L2)"),
    ("index.images", "Photographs searched"),
    ("norm", "Length of the vector"),
    ("steps", "Steps"),
)
