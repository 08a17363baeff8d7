"""Every operator against whole images, in double precision.

Arguments that have no rule are included.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.tiny import EveryRelu, TinyNetwork, seeded
from tests.toolkit.networks import CHANNELS, Sandwich, sandwich
from tests.toolkit.occlusion.comparing import Both
from workers.toolkit.network.network import Network
from workers.toolkit.occlusion.grid import rectangles

# An even kernel pads more on one side, which is what is to be seen here.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same'")

PATCHES = [*rectangles(32, 32, 5, 4), (3, 7, 4, 8), (0, 0, 2, 9), (30, 1, 32, 6), (11, 12, 20, 13)]
Middle = Callable[[Sandwich, Tensor], Tensor]


def convolution(kernel: Any, groups: int = 1, **arguments: Any) -> Middle:
    """A convolution whose weights are made up on the spot."""

    def middle(_: Sandwich, x: Tensor) -> Tensor:
        rows, columns = (kernel, kernel) if isinstance(kernel, int) else kernel
        count = CHANNELS * (CHANNELS // groups) * rows * columns
        weight = (
            torch.arange(count, dtype=x.dtype).mul(0.7).sin().reshape(CHANNELS, -1, rows, columns)
        )
        return F.conv2d(x, weight, groups=groups, **arguments)

    return middle


def gated(self: Sandwich, x: Tensor) -> Tensor:
    """Squeeze and excitation."""
    return self.second(x * torch.sigmoid(self.pointwise(x.mean((2, 3), keepdim=True))))


# Each case is a middle part, the operators that have a rule in it, and those that have none.
CASES: dict[str, tuple[Middle, set[str], set[str]]] = {
    "padded": (convolution(3, padding=1), {"conv2d"}, set()),
    "pointwise behind a pad": (
        lambda s, x: s.second(s.pointwise(F.pad(x, (1, 3, 2, 5)).relu())), {"pad"}, set(),
    ),
    "a pool of one behind a pad": (
        lambda s, x: s.second(F.avg_pool2d(F.pad(x, (2, 0, 0, 3)), 1, 1)), {"pad"}, set(),
    ),
    "unpadded": (convolution(3), {"conv2d"}, set()),
    "much padded": (convolution(3, padding=4), {"conv2d"}, set()),
    "strided": (convolution(3, stride=2, padding=1), {"conv2d"}, set()),
    "strided unevenly": (convolution((3, 5), stride=(2, 3), padding=(1, 2)), {"conv2d"}, set()),
    "dilated": (convolution(3, padding=2, dilation=2), {"conv2d"}, set()),
    "dilated and strided": (convolution(3, stride=2, dilation=3, padding=1), {"conv2d"}, set()),
    "grouped": (convolution(3, groups=4, padding=1), {"conv2d"}, set()),
    "depthwise": (convolution(5, groups=CHANNELS, padding=2, stride=2), {"conv2d"}, set()),
    "one wide": (convolution((1, 7), padding=(0, 3)), {"conv2d"}, set()),
    "padded to the same": (convolution((4, 3), padding="same"), {"conv2d"}, set()),
    "one pixel": (convolution(1), {"conv2d"}, set()),
    "one pixel, strided": (convolution(1, stride=2), {"conv2d"}, set()),
    "one pixel, padded": (convolution(1, padding=1), {"conv2d"}, set()),
    "even kernel": (convolution(2, stride=2), {"conv2d"}, set()),
    "gaps between kernels": (convolution(2, stride=3), {"conv2d"}, set()),
    "max pool": (lambda _, x: F.max_pool2d(x, 3, 2, 1), {"max_pool2d"}, set()),
    "max pool, rounded up": (
        lambda _, x: F.max_pool2d(x, 3, 2, ceil_mode=True), {"max_pool2d"}, set(),
    ),
    "max pool, rounded up and padded": (
        lambda _, x: F.max_pool2d(x, 5, 3, 2, ceil_mode=True), {"max_pool2d"}, set(),
    ),
    "max pool, dilated": (lambda _, x: F.max_pool2d(x, 2, 1, dilation=3), {"max_pool2d"}, set()),
    "average pool": (lambda _, x: F.avg_pool2d(x, 2), {"avg_pool2d"}, set()),
    "average pool that counts padding": (
        lambda _, x: F.avg_pool2d(x, 3, 2, 1), {"avg_pool2d"}, set(),
    ),
    "average pool that does not": (
        lambda _, x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), set(), {"avg_pool2d"},
    ),
    "average pool over the edge": (
        lambda _, x: F.avg_pool2d(x, 3, 2, ceil_mode=True), set(), {"avg_pool2d"},
    ),
    "average pool with a divisor": (
        lambda _, x: F.avg_pool2d(x, 2, divisor_override=3), set(), {"avg_pool2d"},
    ),
    "more below and right": (
        lambda s, x: s.second(F.pad(x, (0, 1, 0, 1))), {"pad", "conv2d"}, set(),
    ),
    "padded with ones": (lambda s, x: s.second(F.pad(x, (2, 0, 1, 3), value=1.0)), {"pad"}, set()),
    "mirrored": (lambda s, x: s.second(F.pad(x, (2, 2, 2, 2), mode="reflect")), set(), {"pad"}),
    "cropped": (lambda s, x: s.second(F.pad(x, (-1, 0, 0, -2))), set(), {"pad"}),
    "residual": (
        lambda s, x: s.relu(x + s.second(s.relu(s.second(x)))), {"add", "conv2d", "relu"}, set(),
    ),
    "concatenation": (
        lambda s, x: s.second(torch.cat([x, F.max_pool2d(x, 3, 1, 1), s.second(x)], 1)[:, 8:16]),
        {"cat"}, {"slice"},
    ),
    "concatenated rows": (lambda s, x: torch.cat([x, s.second(x)], 2), set(), {"cat"}),
    "product of maps": (lambda s, x: s.second(x) * x, {"mul"}, set()),
    "one channel for all": (
        lambda s, x: s.second(x).mean(1, keepdim=True) * x, set(), {"mean", "mul"},
    ),
    "module used twice": (lambda s, x: s.second(s.second(x)), {"conv2d"}, set()),
    "gate": (gated, {"mean"}, {"mul"}),
    "numbers": (lambda _, x: (x * 2 - 1) / 3, {"mul", "sub", "div"}, set()),
    "numbers by channel": (lambda s, x: x * s.norm.weight[:, None, None], {"mul"}, set()),
    "numbers by place": (lambda _, x: x + torch.arange(32, dtype=x.dtype), set(), {"add"}),
    "softmax along a row": (lambda s, x: s.second(x.softmax(3)), set(), {"softmax"}),
    "softmax first": (lambda _, x: x.flip(3), set(), {"flip"}),
    "pool to three": (
        lambda s, x: F.adaptive_avg_pool2d(s.second(x), 3), {"conv2d"}, {"adaptive_avg_pool2d"},
    ),
    "pool to the same": (
        lambda s, x: s.second(F.adaptive_avg_pool2d(x, 32)), {"adaptive_avg_pool2d"}, set(),
    ),
    "tokens": (
        lambda s, x: s.linear(s.norm(x.permute(0, 2, 3, 1))).permute(0, 3, 1, 2),
        set(), {"permute", "linear"},
    ),
    "batch sizes": (
        lambda _, x: x.reshape(x.shape[0], 2, -1, 32, 32).flip(1).flatten(1, 2), set(), {"reshape"},
    ),
}  # fmt: skip


# Middle parts behind which places of the map are no places of the image: no layer is read there.
DISPLACED = {"concatenated rows", "softmax first"}


class Viewed(nn.Module):
    """A map that is made contiguous and then only looked at in another shape."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, 6, 3, padding=1)
        self.head = nn.Linear(6 * 32 * 32, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(
            self.body(x).clone(memory_format=torch.contiguous_format).view(x.shape[0], -1)
        )


def test_a_view_of_a_map_whose_layout_has_changed() -> None:
    Both(seeded(Viewed).double(), PATCHES).assert_equal()


@pytest.mark.parametrize("name", CASES)
def test_any_operator_gives_what_whole_images_give(name: str) -> None:
    middle, understood, unknown = CASES[name]
    module = sandwich(middle).double()
    assert ("mark" in Network(module, 3, 32, 32).layers) == (name not in DISPLACED)
    whole = Both(module, PATCHES)
    whole.assert_equal()
    both = whole if name in DISPLACED else Both(module, PATCHES, "mark")
    both.assert_equal()
    assert understood <= both.understood
    assert not unknown & both.understood


ACTIVATIONS = [
    F.relu, F.relu6, F.hardtanh, F.silu, torch.sigmoid, F.hardswish, F.hardsigmoid, F.gelu,
    F.leaky_relu, F.elu,
    torch.tanh, F.softplus, F.mish, torch.abs, torch.exp,
]  # fmt: skip


@pytest.mark.parametrize("function", ACTIVATIONS, ids=lambda f: f.__name__)
def test_pointwise_functions_run_in_the_windows(function: Callable[[Tensor], Tensor]) -> None:
    both = Both(sandwich(lambda s, x: s.second(function(x))).double(), PATCHES, "mark")
    both.assert_equal()
    assert not [node for node in both.plan.nodes if node not in both.plan.rules]


class InEveryWay(nn.Module):
    """Dropout, a parametric ReLU, a batch norm that cannot be folded, and both ways to a mean."""

    def __init__(self, dims: tuple[int, ...]) -> None:
        super().__init__()
        self.dims = dims
        self.body = nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1),
            nn.PReLU(6),
            nn.BatchNorm2d(6),
            nn.Dropout(0.5),
            nn.Dropout2d(0.5),
        )
        self.head = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.body(x)
        return self.head(x.mean(self.dims) if self.dims else F.adaptive_avg_pool2d(x, 1).flatten(1))


@pytest.mark.parametrize("dims", [(), (2, 3), (-1, -2)], ids=str)
def test_means_add_what_has_changed(dims: tuple[int, ...]) -> None:
    both = Both(seeded(lambda: InEveryWay(dims)).double(), PATCHES)
    both.assert_equal()
    assert {"batch_norm", "prelu", "dropout"} <= both.understood
    assert both.understood & {"mean", "adaptive_avg_pool2d"}


@pytest.mark.parametrize("kind", [TinyNetwork, EveryRelu])
@pytest.mark.parametrize(("window", "stride"), [(1, 1), (3, 2), (9, 7), (32, 32), (31, 2)])
def test_whole_networks(kind: type[nn.Module], window: int, stride: int) -> None:
    Both(seeded(kind).double(), rectangles(32, 32, window, stride)).assert_equal()
