"""A method for each technique; client/write_techniques.py writes this file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, Literal, TypedDict, TypeVar, Unpack

from retinoscope_client.image_sets import ImageSet
from retinoscope_client.images import ImageLike

J = TypeVar("J")
R = TypeVar("R")
# Names of parameters that are images or arrays.
INPUTS = frozenset(
    {"content", "embedding", "guide", "image", "style", "style_2", "style_3", "style_4"}
)


class Options(TypedDict, total=False):
    """Options of every job. `idempotency_key` is drawn by default, for each call."""

    deadline_s: float
    cache: bool
    webhook: str
    webhook_events: str
    labels: dict[str, str]
    idempotency_key: str


class Techniques(ABC, Generic[J, R]):
    """A client with a method for each technique. A parameter that is None has its default."""

    @abstractmethod
    def submit(self, technique: str, **params: Any) -> J:
        """Create a job."""

    @abstractmethod
    def run(self, technique: str, **params: Any) -> R:
        """Create a job and return its result."""

    def activation_maximization(
        self,
        image: ImageLike | None = None,
        *,
        target: str,
        model: str | None = None,
        seed: int | None = None,
        recipe: Literal["robust", "lucid", "simonyan", "yosinski"] | None = None,
        start: Literal["noise", "zero", "mean", "image"] | None = None,
        steps: int | None = None,
        rate: float | None = None,
        l2: float | None = None,
        tv: float | None = None,
        alpha_norm: float | None = None,
        blur_every: int | None = None,
        jitter: int | None = None,
        zoom: float | None = None,
        noise: float | None = None,
        size: int | None = None,
        count: int | None = None,
        diversity: float | None = None,
        **options: Unpack[Options],
    ) -> J:
        """Create a job: Activation maximization.

        Activation maximization: make the image to which a class or another neuron responds
        most.

        `lucid` optimizes in the Fourier space of decorrelated colours, through random shifts,
        scales and rotations. `robust` does so, too, through noisy views of random parts, which
        gives whole objects and less fine texture. It also penalizes grain, and contrast that no
        photograph has, in units of the score. `simonyan` optimizes the pixels, beginning with
        the training mean, with the penalty λ‖x‖². `yosinski` decays and blurs the pixels
        meanwhile. The score is an activation or what the model returns for a class: its logit,
        or its probability if the entry's `head` is none. For a dense output it is the mean over
        all places, or one place (`class:12@120,80`).

        For one neuron, `layer:channel@y,x`, only its receptive field is optimized: around it
        the first image stays, and every random view keeps the centre of the field in its place.
        Where a ReLU is off and the unit has no gradient, the value before the ReLU is raised
        until the unit responds. A unit that responds to none of the results fails the job with
        the code `unit_silent`.

        image: The first image, for `start` image.
        target: `class:285`, `class:Egyptian cat`, `layer:channel`, `layer:channel@y,x`,
            `…@center` or `layer`.
        model: Name of the model, as `models()` lists it. [efficientnet_lite0]
        seed: Seed of all randomness. By default one is drawn and recorded.
        recipe: The method. It determines the defaults below. [robust]
        start: The first image: noise, black (`zero`), the training mean, or the image that is
            sent. By default that of the recipe.
        steps: Number of steps: 384 for robust, 256 for lucid, 200 for simonyan, 300 for
            yosinski.
        rate: Learning rate of Adam (robust, lucid), or step size of the normalized gradient.
        l2: λ of the penalty λ‖x‖², with x in the network's units.
        tv: Weight of the total variation.
        alpha_norm: Weight of Σ|x|⁶, which penalizes large values (Mahendran & Vedaldi 2015).
        blur_every: Number of steps after which the pixels are blurred each time, for simonyan
            and yosinski; 0 is never.
        jitter: Random shift, in pixels. lucid also scales and rotates.
        zoom: Smallest side of a random view, as a fraction of the image's side; 1 is all.
        noise: Standard deviation of the noise in each view, for pixels in 0..1. It falls to a
            sixth.
        size: Side in pixels. By default that of the network's input.
        count: Number of images that are made together. [1]
        diversity: Weight of the penalty for similarity among several images (`count`), in units
            of the score. [1.0]
        """
        return self.submit(
            "activation_maximization",
            image=image,
            target=target,
            model=model,
            seed=seed,
            recipe=recipe,
            start=start,
            steps=steps,
            rate=rate,
            l2=l2,
            tv=tv,
            alpha_norm=alpha_norm,
            blur_every=blur_every,
            jitter=jitter,
            zoom=zoom,
            noise=noise,
            size=size,
            count=count,
            diversity=diversity,
            **options,
        )

    def activations(
        self,
        image: ImageLike,
        *,
        model: str | None = None,
        seed: int | None = None,
        layer: str | None = None,
        top: int | None = None,
        order: Literal["mean", "max", "index"] | None = None,
        scale: Literal["per_channel", "shared"] | None = None,
        tile: int | None = None,
        maps: Literal["top", "all"] | None = None,
        values: Literal["uint8", "float32"] | None = None,
        **options: Unpack[Options],
    ) -> J:
        """Create a job: Activations.

        Activations: the maps of a layer's channels for an image, the strongest channels first.

        Each tile of the sheet is the map of one channel, and its response is the mean or the
        maximum of the map. A layer without a map has one value for each channel, and its tiles
        are plain. Tokens in front of the places, such as a class token, are left out. Colours
        begin at 0 and end at the largest value. If a value is negative, 0 is in the middle of
        other colours, from blue to red.

        image: The photograph to explain.
        model: Name of the model, as `models()` lists it. [efficientnet_lite0]
        seed: Seed of all randomness. By default one is drawn and recorded.
        layer: The layer. By default the one that the model recommends for Grad-CAM, otherwise
            the last map on whose places and channels the output depends.
        top: Number of channels in the sheet. A layer with fewer channels shows all. [64]
        order: Which channels come first: those with the largest `mean` over the places, those
            with the largest `max`, or in the order of their `index`. Of equals, the lower
            index. [mean]
        scale: `per_channel`: the colours of each tile end at its own largest value, so that
            weak channels can be seen, but not before a ten-thousandth of the largest of all.
            `shared`: all tiles have one scale, so that they can be compared. A layer without a
            map always has the shared scale. [per_channel]
        tile: Longer side of a tile in the sheet, in pixels. [96]
        maps: Channels of `maps.npy` and `channels.json`: the `top` of the sheet, or `all` of
            the layer in the same order. [top]
        values: Numbers of `maps.npy`. `uint8` has 0 at the lowest value of each channel and 255
            at its highest: value = min + level / 255 · (max − min), with `min` and `max` of
            `channels.json`. `float32` has the values themselves. [uint8]
        """
        return self.submit(
            "activations",
            image=image,
            model=model,
            seed=seed,
            layer=layer,
            top=top,
            order=order,
            scale=scale,
            tile=tile,
            maps=maps,
            values=values,
            **options,
        )

    def deep_dream(
        self,
        image: ImageLike,
        guide: ImageLike | None = None,
        *,
        model: str | None = None,
        seed: int | None = None,
        targets: str | None = None,
        octaves: int | None = None,
        octave_scale: float | None = None,
        steps: int | None = None,
        rate: float | None = None,
        jitter: int | None = None,
        size: int | None = None,
        tile: int | None = None,
        zoom_frames: int | None = None,
        zoom: float | None = None,
        **options: Unpack[Options],
    ) -> J:
        """Create a job: DeepDream.

        DeepDream: change a photograph so that the network sees more of what it already sees in
        it.

        The photograph is optimized in octaves, from the smallest to the largest size. Each
        octave begins with the photograph at its size plus the detail that the octave before has
        added, and takes `steps` normalized gradient steps. `targets` says what is maximized: a
        layer (the whole response, ½ mean a²), a channel, or a class (its logit). Targets are
        separated by commas, each with an optional weight: `blocks.3, blocks.4.0.conv_pw:20*0.5,
        class:285*-1`. A target with a negative weight is avoided. Weights of different kinds of
        targets are comparable, because each target is divided by how strongly its layer
        responds to the photograph. The default is the layer that the model recommends,
        otherwise one at two thirds of its depth; the result says which.

        With a `guide` image, layers move towards what they see in the guide, and not towards
        what they see in the photograph.

        An image of any shape, up to 1024 pixels wide or high, goes through the network in tiles
        of the network's own size. The tiles overlap, blend into each other and are shifted at
        each step. Tiles that show the same, as of a plain background, get noise of one level,
        so that no motif recurs. With `zoom_frames` the dream continues: each frame is the frame
        before, slightly enlarged, and dreams again. All frames are saved as an animated WebP.

        A target that responds neither to the photograph nor to the result fails the job with
        the code `unit_silent`.

        image: The photograph to dream of.
        guide: What layers should see in it. By default more of what is there.
        model: Name of the model, as `models()` lists it. [efficientnet_lite0]
        seed: Seed of all randomness. By default one is drawn and recorded.
        targets: What to maximize: `layer`, `layer:channel`, `class:285`, `class:Egyptian cat`
            or `top`. Separate several targets by commas, each with its weight if that is not 1:
            `blocks.3, class:285*-0.5`. By default the layer that the model recommends.
        octaves: Number of sizes, from coarse to fine. [4]
        octave_scale: Ratio of the sizes of two octaves. [1.4]
        steps: Number of steps in each octave. [10]
        rate: Mean change of a pixel in a step, in levels of 0 to 255: rate · g / mean|g|. [1.5]
        jitter: Random shift at every step, in pixels. By default 32, less for small networks; 0
            is none.
        size: Longer side of the result, in pixels. By default twice the side of the network's
            input.
        tile: Side of a tile, in pixels. By default the side of the network's input.
        zoom_frames: Number of further frames, each of which enlarges the frame before and
            dreams again. [0]
        zoom: Factor by which each frame enlarges the frame before. [1.05]
        """
        return self.submit(
            "deep_dream",
            image=image,
            guide=guide,
            model=model,
            seed=seed,
            targets=targets,
            octaves=octaves,
            octave_scale=octave_scale,
            steps=steps,
            rate=rate,
            jitter=jitter,
            size=size,
            tile=tile,
            zoom_frames=zoom_frames,
            zoom=zoom,
            **options,
        )

    def embed(
        self,
        image: ImageLike,
        *,
        model: str | None = None,
        seed: int | None = None,
        layer: str | None = None,
        **options: Unpack[Options],
    ) -> J:
        """Create a job: Embed.

        Embed: the output of any layer for an image, as an array.

        The array has the layer's own float32 values for one image: (C, H, W), or (C,) for a
        fully connected or pooled layer. Use it to compare images, or send the file to
        `inversion`.

        image: The photograph to explain.
        model: Name of the model, as `models()` lists it. [efficientnet_lite0]
        seed: Seed of all randomness. By default one is drawn and recorded.
        layer: The layer. By default the one that the model recommends, otherwise the last one
            before the classes.
        """
        return self.submit(
            "embed",
            image=image,
            model=model,
            seed=seed,
            layer=layer,
            **options,
        )

    def filters(
        self,
        *,
        model: str | None = None,
        seed: int | None = None,
        layer: str | None = None,
        scale: Literal["per_filter", "shared"] | None = None,
        limit: int | None = None,
        slices: int | None = None,
        **options: Unpack[Options],
    ) -> J:
        """Create a job: Filters.

        Filters: the weights of a convolution as pictures of w/‖w‖.

        Of all inputs with norm 1, w/‖w‖ is the one to which the filter w responds most
        strongly; the response is ‖w‖ (Cauchy–Schwarz). A filter that reads the three channels
        of the image is shown in colour, with one scale for the three channels. A deeper filter
        is shown as a row of grey slices, one for each input channel. Mid-grey is zero. Filters
        that training has left almost without weights are crossed out, since w/‖w‖ would show
        them like any other.

        model: Name of the model, as `models()` lists it. [efficientnet_lite0]
        seed: Seed of all randomness. By default one is drawn and recorded.
        layer: A convolution. By default the first one of the model.
        scale: `per_filter` shows each filter at full contrast, `shared` shows all of them on
            the scale of the largest value. [per_filter]
        limit: Number of filters in the picture, beginning with the first. The array has all
            filters. [256]
        slices: Number of input channels that are shown of a filter that does not read colours.
            [16]
        """
        return self.submit(
            "filters",
            model=model,
            seed=seed,
            layer=layer,
            scale=scale,
            limit=limit,
            slices=slices,
            **options,
        )

    def fooling(
        self,
        image: ImageLike | None = None,
        *,
        goal: str,
        model: str | None = None,
        seed: int | None = None,
        mode: Literal["adversarial", "rubbish"] | None = None,
        norm: Literal["l2", "linf"] | None = None,
        confidence: float | None = None,
        start: Literal["noise", "zero"] | None = None,
        steps: int | None = None,
        size: int | None = None,
        transfer_model: str | None = None,
        **options: Unpack[Options],
    ) -> J:
        """Create a job: Fooling.

        Fooling: make the model predict a class that is not in the image.

        `adversarial` searches for the smallest change of your image, by `norm` l2 or linf, with
        which the goal is the first prediction or reaches `confidence`. `rubbish` turns noise,
        or black, into an image for which the model is confident of the goal and a person sees
        nothing. Both search among 8-bit images, through the same preprocessing as for every
        image here. `image.png` is then read back and judged like any image that is sent: only
        what it still does as a file counts as success. Send it to `predict` to see.

        Where the classes of a model exclude each other (`head` softmax, or none with several
        classes) the goal is reached when it is the first prediction. Where they do not
        (sigmoid, or a single probability), it is reached when its probability is above one
        half. A model without probabilities (raw) is refused.

        image: The photograph to change, for mode adversarial.
        goal: The class to predict: `class:285`, `class:Egyptian cat`, `285` or `Egyptian cat`.
        model: Name of the model, as `models()` lists it. [efficientnet_lite0]
        seed: Seed of all randomness. By default one is drawn and recorded.
        mode: `adversarial` makes the smallest change of the image that is sent, `rubbish` an
            image from noise or black. [adversarial]
        norm: What mode adversarial minimizes: √Σδ², or the largest change of any value. [l2]
        confidence: Probability that the goal must reach. By default 0.9999 for rubbish. For
            adversarial it is enough by default that the goal is the first prediction (with
            `head` sigmoid: that its probability is above one half).
        start: The image that rubbish begins with: `noise` of the seed, or `zero`, black.
            [noise]
        steps: Maximum number of steps of the search, one gradient each. With few steps the
            change is larger than necessary. [200]
        size: Longer side in pixels. A larger image is scaled down to it; the default is 512.
            Rubbish is a square, by default of the size to which the model resizes images.
        transfer_model: A second model, to test whether the result fools it too.
        """
        return self.submit(
            "fooling",
            image=image,
            goal=goal,
            model=model,
            seed=seed,
            mode=mode,
            norm=norm,
            confidence=confidence,
            start=start,
            steps=steps,
            size=size,
            transfer_model=transfer_model,
            **options,
        )

    def grad_cam(
        self,
        image: ImageLike,
        *,
        model: str | None = None,
        seed: int | None = None,
        target: str | None = None,
        colormap: str | None = None,
        color_range: str | None = None,
        picture_side: int | None = None,
        figure: Literal["none", "png", "svg", "pdf"] | None = None,
        check: bool | None = None,
        samples: int | None = None,
        noise: float | None = None,
        layer: str | None = None,
        relu: bool | None = None,
        **options: Unpack[Options],
    ) -> J:
        """Create a job: Grad-CAM.

        Grad-CAM: the places of a layer's map that support a class.

        Each channel of the layer is weighted by the mean of the score's gradient over the map.
        The weighted sum, with negative values set to zero, is drawn where the map lies in the
        image: over all of it, unless the network crops or pads its own input. By default the
        layer is the one that the model recommends, or else the last map on whose places and
        channels the output depends. The target must depend on the layer.

        image: The photograph to explain.
        model: Name of the model, as `models()` lists it. [efficientnet_lite0]
        seed: Seed of all randomness. By default one is drawn and recorded.
        target: The neuron to explain: `top` (the model's first prediction), `class:285`,
            `class:Egyptian cat`, `class:12@120,80` (one place of a dense output),
            `layer:channel`, `layer:channel@y,x`, `layer:channel@center` or `layer`. [top]
        colormap: Colours of the map, by matplotlib's name; `_r` reverses them. By default
            `inferno` for a map that cannot be negative, and `RdBu_r`, with zero in the middle,
            for one that can. Both are readable with every colour vision.
        color_range: The values of the two ends of the colours, as `LOW,HIGH`, so that several
            pictures can be compared. `auto` fits them to the map: from zero to the highest
            value, or the same on either side of zero for a map with a sign. [auto]
        picture_side: Largest side of the pictures, in pixels. They are never larger than the
            image. [2048]
        figure: Also leave a figure for print, with colour bar and texts: `png` at 300 dots per
            inch, or `svg` or `pdf`. [none]
        check: Also test how far to trust the map: delete and insert what it marks, and compare
            with the same map shifted elsewhere. A map by gradient is also compared with the map
            of the model whose last layer is shuffled. Adds `summary.check`. [False]
        samples: SmoothGrad: number of noisy copies whose gradients are averaged. 1 is the plain
            gradient. [1]
        noise: SmoothGrad: standard deviation of the noise, as a fraction of the input's range.
            [0.15]
        layer: The layer whose map is weighted. By default the one that the model recommends,
            otherwise the last map on whose places and channels the output depends.
        relu: Keep only what supports the target. [True]
        """
        return self.submit(
            "grad_cam",
            image=image,
            model=model,
            seed=seed,
            target=target,
            colormap=colormap,
            color_range=color_range,
            picture_side=picture_side,
            figure=figure,
            check=check,
            samples=samples,
            noise=noise,
            layer=layer,
            relu=relu,
            **options,
        )

    def guided_backprop(
        self,
        image: ImageLike,
        *,
        model: str | None = None,
        seed: int | None = None,
        target: str | None = None,
        colormap: str | None = None,
        color_range: str | None = None,
        picture_side: int | None = None,
        figure: Literal["none", "png", "svg", "pdf"] | None = None,
        check: bool | None = None,
        samples: int | None = None,
        noise: float | None = None,
        rule: Literal["guided", "deconvnet"] | None = None,
        **options: Unpack[Options],
    ) -> J:
        """Create a job: Guided backpropagation.

        Guided backpropagation: a neuron's gradient that passes only positive evidence through
        ReLUs.

        With the rule `guided` a ReLU passes a gradient back where both its forward input and
        the gradient are positive. With `deconvnet` it does so where the gradient is positive,
        whatever the forward input was. The rules hold for every form of ReLU and ReLU6 in the
        model: module, function, or operators such as `maximum(x, 0)` and `where(x > 0, x, 0)`.
        A model without any is refused, because the result would silently be the plain gradient;
        so is one with operators that work as a ReLU and are not recognized as one. Read the map
        with care: guided maps depend little on the class (Nie et al. 2018, Adebayo et al.
        2018).

        image: The photograph to explain.
        model: Name of the model, as `models()` lists it. [efficientnet_lite0]
        seed: Seed of all randomness. By default one is drawn and recorded.
        target: The neuron to explain: `top` (the model's first prediction), `class:285`,
            `class:Egyptian cat`, `class:12@120,80` (one place of a dense output),
            `layer:channel`, `layer:channel@y,x`, `layer:channel@center` or `layer`. [top]
        colormap: Colours of the map, by matplotlib's name; `_r` reverses them. By default
            `inferno` for a map that cannot be negative, and `RdBu_r`, with zero in the middle,
            for one that can. Both are readable with every colour vision.
        color_range: The values of the two ends of the colours, as `LOW,HIGH`, so that several
            pictures can be compared. `auto` fits them to the map: from zero to the highest
            value, or the same on either side of zero for a map with a sign. [auto]
        picture_side: Largest side of the pictures, in pixels. They are never larger than the
            image. [2048]
        figure: Also leave a figure for print, with colour bar and texts: `png` at 300 dots per
            inch, or `svg` or `pdf`. [none]
        check: Also test how far to trust the map: delete and insert what it marks, and compare
            with the same map shifted elsewhere. A map by gradient is also compared with the map
            of the model whose last layer is shuffled. Adds `summary.check`. [False]
        samples: SmoothGrad: number of noisy copies whose gradients are averaged. 1 is the plain
            gradient. [1]
        noise: SmoothGrad: standard deviation of the noise, as a fraction of the input's range.
            [0.15]
        rule: Which gradients a ReLU passes back. [guided]
        """
        return self.submit(
            "guided_backprop",
            image=image,
            model=model,
            seed=seed,
            target=target,
            colormap=colormap,
            color_range=color_range,
            picture_side=picture_side,
            figure=figure,
            check=check,
            samples=samples,
            noise=noise,
            rule=rule,
            **options,
        )

    def integrated_gradients(
        self,
        image: ImageLike,
        *,
        model: str | None = None,
        seed: int | None = None,
        target: str | None = None,
        colormap: str | None = None,
        color_range: str | None = None,
        picture_side: int | None = None,
        figure: Literal["none", "png", "svg", "pdf"] | None = None,
        check: bool | None = None,
        samples: int | None = None,
        noise: float | None = None,
        steps: int | None = None,
        baseline: Literal["black", "gray", "mean", "white", "blur"] | None = None,
        **options: Unpack[Options],
    ) -> J:
        """Create a job: Integrated gradients.

        Integrated gradients: the difference of the score to that of a baseline, by pixels.

        The gradient is integrated along the straight line from the baseline to the image by
        Gauss–Legendre quadrature and multiplied by the difference of the two images. The values
        of a pixel's channels are added. The sum of all values is the difference of the score,
        up to `convergence_delta`: if that is not small, use more `steps`.

        image: The photograph to explain.
        model: Name of the model, as `models()` lists it. [efficientnet_lite0]
        seed: Seed of all randomness. By default one is drawn and recorded.
        target: The neuron to explain: `top` (the model's first prediction), `class:285`,
            `class:Egyptian cat`, `class:12@120,80` (one place of a dense output),
            `layer:channel`, `layer:channel@y,x`, `layer:channel@center` or `layer`. [top]
        colormap: Colours of the map, by matplotlib's name; `_r` reverses them. By default
            `inferno` for a map that cannot be negative, and `RdBu_r`, with zero in the middle,
            for one that can. Both are readable with every colour vision.
        color_range: The values of the two ends of the colours, as `LOW,HIGH`, so that several
            pictures can be compared. `auto` fits them to the map: from zero to the highest
            value, or the same on either side of zero for a map with a sign. [auto]
        picture_side: Largest side of the pictures, in pixels. They are never larger than the
            image. [2048]
        figure: Also leave a figure for print, with colour bar and texts: `png` at 300 dots per
            inch, or `svg` or `pdf`. [none]
        check: Also test how far to trust the map: delete and insert what it marks, and compare
            with the same map shifted elsewhere. A map by gradient is also compared with the map
            of the model whose last layer is shuffled. Adds `summary.check`. [False]
        samples: SmoothGrad: number of noisy copies whose gradients are averaged. 1 is the plain
            gradient. [1]
        noise: SmoothGrad: standard deviation of the noise, as a fraction of the input's range.
            [0.15]
        steps: Number of points of the quadrature. [50]
        baseline: The image without information. `mean` is the training mean, `blur` the blurred
            image. [black]
        """
        return self.submit(
            "integrated_gradients",
            image=image,
            model=model,
            seed=seed,
            target=target,
            colormap=colormap,
            color_range=color_range,
            picture_side=picture_side,
            figure=figure,
            check=check,
            samples=samples,
            noise=noise,
            steps=steps,
            baseline=baseline,
            **options,
        )

    def inversion(
        self,
        image: ImageLike | None = None,
        embedding: ImageLike | None = None,
        *,
        model: str | None = None,
        seed: int | None = None,
        layer: str | None = None,
        layers: str | None = None,
        recipe: Literal["modern", "mahendran_vedaldi"] | None = None,
        restarts: int | None = None,
        steps: int | None = None,
        rate: float | None = None,
        tv: float | None = None,
        alpha: float | None = None,
        alpha_weight: float | None = None,
        jitter: float | None = None,
        **options: Unpack[Options],
    ) -> J:
        """Create a job: Inversion.

        Inversion: reconstruct an image from a layer's output, to see what the layer has
        discarded.

        The result is the image x whose output at the layer, Φ(x), is closest to a given one,
        Φ0. Any layer is possible, including fully connected ones. Send a photograph, or Φ0
        itself as `embedding`, a .npy file of the layer's shape (the technique `embed` makes
        one). The error is ‖Φ(x) − Φ0‖² / ‖Φ0‖².

        `mahendran_vedaldi` is the published recipe: gradient descent with momentum on the
        pixels, with penalties on their magnitude (Σ|x|^α) and their total variation. `modern`
        suits networks with many layers and batch normalization: Adam in the Fourier space of
        decorrelated colours, through small random shifts and noise. A layer whose output is a
        vector determines little of the image, so there is a penalty on contrast, too. With
        `layers` one run inverts several layers and saves one strip of all.

        image: The photograph whose output at the layer is inverted.
        embedding: The output of the layer, with the layer's shape.
        model: Name of the model, as `models()` lists it. [efficientnet_lite0]
        seed: Seed of all randomness. By default one is drawn and recorded.
        layer: The layer. By default the one that the model recommends, otherwise the last one
            before the classes.
        layers: Several layers instead, separated by commas, 16 at most, for one strip of
            images.
        recipe: The method. It determines the defaults below. [modern]
        restarts: Number of reconstructions of each layer, from different noise. [1]
        steps: Number of steps: 256 for modern, 400 for mahendran_vedaldi.
        rate: Learning rate of Adam, which falls to 0 (modern), or of the gradient in units of
            σ², multiplied by 0.1 and 0.01 after a quarter and three quarters of the steps
            (mahendran_vedaldi).
        tv: Weight of the total variation. By default it depends on the depth of the layer; for
            modern and a vector it is 5.
        alpha: Exponent of Σ|x|^α, for mahendran_vedaldi. [6.0]
        alpha_weight: Weight of Σ|x|^α, for mahendran_vedaldi.
        jitter: Random shift in pixels, for modern. By default it depends on the stride of the
            layer.
        """
        return self.submit(
            "inversion",
            image=image,
            embedding=embedding,
            model=model,
            seed=seed,
            layer=layer,
            layers=layers,
            recipe=recipe,
            restarts=restarts,
            steps=steps,
            rate=rate,
            tv=tv,
            alpha=alpha,
            alpha_weight=alpha_weight,
            jitter=jitter,
            **options,
        )

    def occlusion(
        self,
        image: ImageLike,
        *,
        model: str | None = None,
        seed: int | None = None,
        target: str | None = None,
        colormap: str | None = None,
        color_range: str | None = None,
        picture_side: int | None = None,
        figure: Literal["none", "png", "svg", "pdf"] | None = None,
        check: bool | None = None,
        window: int | None = None,
        stride: int | None = None,
        fill: Literal["gray", "mean", "black", "white", "blur"] | None = None,
        score: Literal["probability", "logit", "output"] | None = None,
        aggregate: Literal["mean", "sum"] | None = None,
        **options: Unpack[Options],
    ) -> J:
        """Create a job: Occlusion.

        Occlusion: slide a patch over the image and record how far the score falls.

        The map at a pixel is the fall of the score, averaged (or summed) over all patch
        positions that cover the pixel. The positions are multiples of `stride` from the top
        left corner; the last patches are cut off at the edge. Sizes are in pixels of the
        network's input.

        Zero, no effect, is in the middle of the colours. With the default ones it is white, a
        fall of the score is red and a rise is blue.

        image: The photograph to explain.
        model: Name of the model, as `models()` lists it. [efficientnet_lite0]
        seed: Seed of all randomness. By default one is drawn and recorded.
        target: The neuron to explain: `top` (the model's first prediction), `class:285`,
            `class:Egyptian cat`, `class:12@120,80` (one place of a dense output),
            `layer:channel`, `layer:channel@y,x`, `layer:channel@center` or `layer`. [top]
        colormap: Colours of the map, by matplotlib's name; `_r` reverses them. By default
            `inferno` for a map that cannot be negative, and `RdBu_r`, with zero in the middle,
            for one that can. Both are readable with every colour vision.
        color_range: The values of the two ends of the colours, as `LOW,HIGH`, so that several
            pictures can be compared. `auto` fits them to the map: from zero to the highest
            value, or the same on either side of zero for a map with a sign. [auto]
        picture_side: Largest side of the pictures, in pixels. They are never larger than the
            image. [2048]
        figure: Also leave a figure for print, with colour bar and texts: `png` at 300 dots per
            inch, or `svg` or `pdf`. [none]
        check: Also test how far to trust the map: delete and insert what it marks, and compare
            with the same map shifted elsewhere. A map by gradient is also compared with the map
            of the model whose last layer is shuffled. Adds `summary.check`. [False]
        window: Side of the square patch, in pixels of the network's input. By default a seventh
            of the input: 32 of 224.
        stride: Step between patches, at most `window`. By default a 28th of the input: 8 of
            224.
        fill: Content of the patch. `mean` is the training mean, `blur` the blurred image.
            [gray]
        score: The score of a class: its probability, its logit, or (for a model whose `head` is
            raw) the output. By default the probability where there is one. The score of another
            unit is always its activation.
        aggregate: How the falls of all patches that cover a pixel are combined. [mean]
        """
        return self.submit(
            "occlusion",
            image=image,
            model=model,
            seed=seed,
            target=target,
            colormap=colormap,
            color_range=color_range,
            picture_side=picture_side,
            figure=figure,
            check=check,
            window=window,
            stride=stride,
            fill=fill,
            score=score,
            aggregate=aggregate,
            **options,
        )

    def predict(
        self,
        image: ImageLike,
        *,
        model: str | None = None,
        seed: int | None = None,
        top_k: int | None = None,
        **options: Unpack[Options],
    ) -> R:
        """Create a job: Predict.

        Predict: the classes that the model predicts for an image, the most probable first.

        The probabilities are what the `head` of the model's entry says: the softmax of the
        logits over all classes; the sigmoid of each logit, which need not add up to 1; what the
        model returns; or null, and classes are then in the order of the output. For a dense
        output, numbers are means over the places where the class is the first, or over all
        places if there is none (`share` is 0), and the class that is first at most places comes
        first. The image is preprocessed as in the model's training.

        image: The photograph to explain.
        model: Name of the model, as `models()` lists it. [efficientnet_lite0]
        seed: Seed of all randomness. By default one is drawn and recorded.
        top_k: Number of classes to return. [5]
        """
        return self.run(
            "predict",
            image=image,
            model=model,
            seed=seed,
            top_k=top_k,
            **options,
        )

    def rise(
        self,
        image: ImageLike,
        *,
        model: str | None = None,
        seed: int | None = None,
        target: str | None = None,
        colormap: str | None = None,
        color_range: str | None = None,
        picture_side: int | None = None,
        figure: Literal["none", "png", "svg", "pdf"] | None = None,
        check: bool | None = None,
        masks: int | None = None,
        grid: int | None = None,
        probability: float | None = None,
        fill: Literal["gray", "mean", "black", "white", "blur"] | None = None,
        score: Literal["probability", "logit", "output"] | None = None,
        **options: Unpack[Options],
    ) -> J:
        """Create a job: RISE.

        RISE: hide random parts of the image, and average the visible parts weighted by the
        score.

        Each mask is a grid of cells that are open with a probability, smoothly enlarged and
        shifted by a random fraction of a cell. The image is visible where the mask is 1. The
        map at a pixel is the sum of score × mask over all masks, divided by masks ×
        probability: an estimate of the mean score given that the pixel is visible. RISE needs
        no gradient, only scores. More `masks` give a less noisy map. Its colours run from the
        lowest value to the highest, since zero has no meaning of its own: a place that does not
        matter has the mean score.

        image: The photograph to explain.
        model: Name of the model, as `models()` lists it. [efficientnet_lite0]
        seed: Seed of all randomness. By default one is drawn and recorded.
        target: The neuron to explain: `top` (the model's first prediction), `class:285`,
            `class:Egyptian cat`, `class:12@120,80` (one place of a dense output),
            `layer:channel`, `layer:channel@y,x`, `layer:channel@center` or `layer`. [top]
        colormap: Colours of the map, by matplotlib's name; `_r` reverses them. By default
            `inferno` for a map that cannot be negative, and `RdBu_r`, with zero in the middle,
            for one that can. Both are readable with every colour vision.
        color_range: The values of the two ends of the colours, as `LOW,HIGH`, so that several
            pictures can be compared. `auto` fits them to the map: from zero to the highest
            value, or the same on either side of zero for a map with a sign. [auto]
        picture_side: Largest side of the pictures, in pixels. They are never larger than the
            image. [2048]
        figure: Also leave a figure for print, with colour bar and texts: `png` at 300 dots per
            inch, or `svg` or `pdf`. [none]
        check: Also test how far to trust the map: delete and insert what it marks, and compare
            with the same map shifted elsewhere. A map by gradient is also compared with the map
            of the model whose last layer is shuffled. Adds `summary.check`. [False]
        masks: Number of random masks, one forward pass each. [1000]
        grid: Number of cells of a mask along each side. [7]
        probability: Probability that a cell is open. [0.5]
        fill: What replaces the image where a mask is closed. `mean` is the training mean,
            `blur` the blurred image. [mean]
        score: The score of a class: its probability, its logit, or (for a model whose `head` is
            raw) the output. By default the probability where there is one. The score of another
            unit is always its activation.
        """
        return self.submit(
            "rise",
            image=image,
            model=model,
            seed=seed,
            target=target,
            colormap=colormap,
            color_range=color_range,
            picture_side=picture_side,
            figure=figure,
            check=check,
            masks=masks,
            grid=grid,
            probability=probability,
            fill=fill,
            score=score,
            **options,
        )

    def saliency(
        self,
        image: ImageLike,
        *,
        model: str | None = None,
        seed: int | None = None,
        target: str | None = None,
        colormap: str | None = None,
        color_range: str | None = None,
        picture_side: int | None = None,
        figure: Literal["none", "png", "svg", "pdf"] | None = None,
        check: bool | None = None,
        samples: int | None = None,
        noise: float | None = None,
        reduce: Literal["max_abs", "signed"] | None = None,
        **options: Unpack[Options],
    ) -> J:
        """Create a job: Saliency.

        Saliency: the gradient of a neuron with respect to the input, strongest channel per
        pixel.

        The derivative is taken at the network's normalized input. `max_abs` is the largest
        magnitude over the colour channels, `signed` is the same entry with its sign. With
        `samples` above 1 the gradients of noisy copies are averaged first (SmoothGrad).

        image: The photograph to explain.
        model: Name of the model, as `models()` lists it. [efficientnet_lite0]
        seed: Seed of all randomness. By default one is drawn and recorded.
        target: The neuron to explain: `top` (the model's first prediction), `class:285`,
            `class:Egyptian cat`, `class:12@120,80` (one place of a dense output),
            `layer:channel`, `layer:channel@y,x`, `layer:channel@center` or `layer`. [top]
        colormap: Colours of the map, by matplotlib's name; `_r` reverses them. By default
            `inferno` for a map that cannot be negative, and `RdBu_r`, with zero in the middle,
            for one that can. Both are readable with every colour vision.
        color_range: The values of the two ends of the colours, as `LOW,HIGH`, so that several
            pictures can be compared. `auto` fits them to the map: from zero to the highest
            value, or the same on either side of zero for a map with a sign. [auto]
        picture_side: Largest side of the pictures, in pixels. They are never larger than the
            image. [2048]
        figure: Also leave a figure for print, with colour bar and texts: `png` at 300 dots per
            inch, or `svg` or `pdf`. [none]
        check: Also test how far to trust the map: delete and insert what it marks, and compare
            with the same map shifted elsewhere. A map by gradient is also compared with the map
            of the model whose last layer is shuffled. Adds `summary.check`. [False]
        samples: SmoothGrad: number of noisy copies whose gradients are averaged. 1 is the plain
            gradient. [1]
        noise: SmoothGrad: standard deviation of the noise, as a fraction of the input's range.
            [0.15]
        reduce: How the colour channels are reduced to one map. [max_abs]
        """
        return self.submit(
            "saliency",
            image=image,
            model=model,
            seed=seed,
            target=target,
            colormap=colormap,
            color_range=color_range,
            picture_side=picture_side,
            figure=figure,
            check=check,
            samples=samples,
            noise=noise,
            reduce=reduce,
            **options,
        )

    def style_transfer(
        self,
        content: ImageLike,
        style: ImageLike,
        style_2: ImageLike | None = None,
        style_3: ImageLike | None = None,
        style_4: ImageLike | None = None,
        *,
        model: str | None = None,
        seed: int | None = None,
        recipe: Literal["gatys", "normalized"] | None = None,
        content_layers: str | None = None,
        style_layers: str | None = None,
        content_weight: float | None = None,
        style_weight: float | None = None,
        tv_weight: float | None = None,
        palette_weight: float | None = None,
        style_weights: str | None = None,
        start: Literal["content", "noise", "style"] | None = None,
        pooling: Literal["max", "average"] | None = None,
        keep_colours: bool | None = None,
        optimizer: Literal["lbfgs", "adam"] | None = None,
        rate: float | None = None,
        steps: int | None = None,
        scales: int | None = None,
        size: int | None = None,
        style_scale: float | None = None,
        **options: Unpack[Options],
    ) -> J:
        """Create a job: Style transfer.

        Style transfer: repaint a photograph in the style of other images (Gatys et al. 2016).

        There are one to four styles. The image is optimized until its features in the content
        layers match those of the photograph, and the Gram matrices of its features in the style
        layers match those of the styles. Recipe `gatys` has the published losses, for VGG. The
        loss of a content layer is the mean of (F − P)², that of a style layer 1000/n² times the
        mean of (G − A)², where G = F Fᵀ / (H · W) and n is the number of channels. The image
        starts as the content. The published weights belong to a VGG whose filters were rescaled
        to a mean activation of 1, which is not true of torchvision's: if the style is too weak
        or too strong, change `style_weight`.

        Recipe `normalized` is for any model. Each channel is divided by its root mean square
        over content and style, so that a few strong channels do not dominate (Gatys' rescaling,
        done for the given images; Wang et al. 2021 found that it is needed). The loss of each
        layer is divided by the size of its target, so that a weight means the same in every
        model. In addition, the mean and covariance of the colours are matched to the style
        (`palette_weight`), to which a linear map brings the content before the first step. A
        strong style is matched by a pattern of single pixels, unless smoothing grows with it;
        therefore `tv_weight` and `palette_weight` follow `style_weight` if they are not given.
        The padding of a network shows in the outermost rows of its maps. Therefore up to twelve
        pixels beyond each edge (at most a sixth of the shorter side of the smallest size) are
        painted, too, which begin as the mirrored content and are cut off at the end. A model
        whose layers take only one size has no such frame.

        With `keep_colours` only the luminance is painted, with grey styles that are matched to
        the content's mean and contrast; hues stay those of the photograph (Gatys et al. 2016,
        Preserving Color in Neural Artistic Style Transfer). With `scales` the image is
        optimized at several sizes, each twice the size before. In both recipes the pixels are
        bounded to 0..1 while they are optimized, so that what is saved is what was optimized. A
        model whose head takes one size only is cut off behind the deepest layer that is read.
        No score of a class is used.

        content: The photograph to repaint. Its proportions are kept.
        style: Style 1: an image in the style to use.
        style_2: Style 2: an image in the style to use.
        style_3: Style 3: an image in the style to use.
        style_4: Style 4: an image in the style to use.
        model: Name of the model, as `models()` lists it. [efficientnet_lite0]
        seed: Seed of all randomness. By default one is drawn and recorded.
        recipe: By default `gatys` for VGG16 and VGG19, `normalized` for all others.
        content_layers: Content layers, separated by commas. By default the layers that the
            model recommends, otherwise layers chosen by depth.
        style_layers: Style layers, separated by commas. By default the layers that the model
            recommends, otherwise layers chosen by depth.
        content_weight: Weight of the content; 1 by default.
        style_weight: Weight of the style: 1 for gatys; for normalized 300, or 10 if `start` is
            noise or style.
        tv_weight: Weight of the total variation per pixel: 0 for gatys; for normalized half of
            `style_weight`, 15 at least.
        palette_weight: Weight of the mean and covariance of the colours: 0 for gatys; for
            normalized three times `style_weight`, 100 at least.
        style_weights: Weights of the styles relative to each other, one for each, separated by
            commas.
        start: The image with which the first size begins. [content]
        pooling: `average` replaces the max pooling of the model by average pooling. [max]
        keep_colours: Paint only the luminance. [False]
        optimizer: The optimizer. A step of lbfgs is one iteration of L-BFGS. [lbfgs]
        rate: Learning rate: 1 for lbfgs; 0.02, for pixels in 0..1, for adam.
        steps: Number of steps at the first size; 0.4 times as many at each other size. 500 for
            gatys, 200 for normalized.
        scales: Number of sizes, each twice the size before: 1 for gatys; for normalized 2, or 1
            if `size` is below 256.
        size: Longer side in pixels. By default 512, or four times the input of a small model
            (three times below 16 pixels).
        style_scale: Longer side of each style, relative to `size`. A smaller style gives finer
            strokes. [1.0]
        """
        return self.submit(
            "style_transfer",
            content=content,
            style=style,
            style_2=style_2,
            style_3=style_3,
            style_4=style_4,
            model=model,
            seed=seed,
            recipe=recipe,
            content_layers=content_layers,
            style_layers=style_layers,
            content_weight=content_weight,
            style_weight=style_weight,
            tv_weight=tv_weight,
            palette_weight=palette_weight,
            style_weights=style_weights,
            start=start,
            pooling=pooling,
            keep_colours=keep_colours,
            optimizer=optimizer,
            rate=rate,
            steps=steps,
            scales=scales,
            size=size,
            style_scale=style_scale,
            **options,
        )

    def top_channels(
        self,
        image: ImageLike,
        *,
        image_set: ImageSet | str,
        model: str | None = None,
        seed: int | None = None,
        layer: str | None = None,
        channels: int | None = None,
        k: int | None = None,
        at: str | None = None,
        crop: Literal["receptive_field", "effective"] | None = None,
        rank: Literal["relative", "absolute"] | None = None,
        **options: Unpack[Options],
    ) -> J:
        """Create a job: Top channels.

        Top channels: the channels of a layer that respond most to an image, with their best
        patches.

        The patches are those of an image set. They show what a channel responds to in general;
        the box shows where it does so in this image. Channels have different scales. By default
        a channel is therefore ranked by its value divided by its mean over its best patches in
        the set.

        image: The photograph to explain.
        image_set: An image set of `image_set()`, or its id.
        model: Name of the model, as `models()` lists it. [efficientnet_lite0]
        seed: Seed of all randomness. By default one is drawn and recorded.
        layer: The layer. By default the one that the model recommends for Grad-CAM, otherwise
            the last map on whose places and channels the output depends.
        channels: Number of channels. [8]
        k: Number of patches of the set for each channel. [5]
        at: `x,y` in pixels of the image: only responses at this place count. By default all
            places count.
        crop: What is cut out: everything that a unit can see, or the part with 90 % of its
            gradient. That part is smaller in deep layers and costs a backward pass for each
            patch. [receptive_field]
        rank: `relative` ranks by the value divided by the channel's mean over its `k` best
            patches, `absolute` by the value. [relative]
        """
        return self.submit(
            "top_channels",
            image=image,
            image_set=image_set,
            model=model,
            seed=seed,
            layer=layer,
            channels=channels,
            k=k,
            at=at,
            crop=crop,
            rank=rank,
            **options,
        )

    def top_patches(
        self,
        *,
        target: str,
        image_set: ImageSet | str,
        model: str | None = None,
        seed: int | None = None,
        k: int | None = None,
        crop: Literal["receptive_field", "effective"] | None = None,
        guided: bool | None = None,
        **options: Unpack[Options],
    ) -> J:
        """Create a job: Top patches.

        Top patches: the parts of an image set that activate a channel most, one for each image.

        The first question about a layer sends every image of the set through the model once.
        The best images and places of every channel are kept in an index, which answers later
        questions about that layer. Images that were added meanwhile are run first. A box is the
        exact receptive field of the unit in pixels of the image, clipped to what the network
        sees.

        target: A channel, `layer:channel`, or a class, `class:285`.
        image_set: An image set of `image_set()`, or its id.
        model: Name of the model, as `models()` lists it. [efficientnet_lite0]
        seed: Seed of all randomness. By default one is drawn and recorded.
        k: Number of patches, at most one for each image. [9]
        crop: What is cut out: everything that the unit can see, or the part with 90 % of its
            gradient. That part is smaller in deep layers and costs a backward pass.
            [receptive_field]
        guided: Also save the guided backpropagation of each patch. [False]
        """
        return self.submit(
            "top_patches",
            target=target,
            image_set=image_set,
            model=model,
            seed=seed,
            k=k,
            crop=crop,
            guided=guided,
            **options,
        )
