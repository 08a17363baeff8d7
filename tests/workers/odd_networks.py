"""Small networks with one thing unusual, most of which users have brought, and how to load them."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from catalog.custom_models import read_models
from catalog.model_entry import ModelEntry
from workers.models.load import load_model
from workers.toolkit.network.vision_model import VisionModel

SIDE, CLASSES = 16, 4


class Net(nn.Module):
    """Convolution, norm, ReLU, convolution, ReLU, mean, linear. Subclasses change one of them."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.second = nn.Conv2d(8, 8, 3, padding=1)
        self.last = nn.Linear(8, CLASSES)

    def see(self, x: Tensor) -> Tensor:
        return x

    def features(self, x: Tensor) -> Tensor:
        return F.relu(self.second(F.relu(self.norm(self.first(self.see(x))))))

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.features(x).mean((2, 3)))


class InstanceNormed(Net):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.InstanceNorm2d(8)

    def features(self, x: Tensor) -> Tensor:
        # The gradient comes to the norm straight from a convolution, in channels last.
        return F.relu(self.second(self.norm(F.relu(self.first(x)))))


class Tokens(Net):
    """Views tokens as a map, as the attention of LeViT does, and normalizes it."""

    def features(self, x: Tensor) -> Tensor:
        tokens = self.first(x).flatten(2).transpose(1, 2).contiguous()
        return self.norm(tokens.transpose(1, 2).unflatten(2, (SIDE, SIDE)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        return self.last((x * self.second(x)).mean((2, 3)))


class Cropped(Net):
    """Crops its own input."""

    def see(self, x: Tensor) -> Tensor:
        return x[:, :, 2:10, 4:12]


class CroppedByPadding(Net):
    def see(self, x: Tensor) -> Tensor:
        return F.pad(x, (-4, -4, -2, -6))


class CroppedLate(Net):
    """Crops a map, whose places see one pixel beyond their own."""

    def features(self, x: Tensor) -> Tensor:
        return F.relu(self.second(F.relu(self.norm(self.first(x)))[:, :, 4:12, 4:12]))


class Padded(Net):
    """Pads its own input."""

    def see(self, x: Tensor) -> Tensor:
        return F.pad(x, (4, 4, 4, 4))


class Zoomed(Net):
    """Crops its own input and enlarges it."""

    def see(self, x: Tensor) -> Tensor:
        return F.interpolate(x[:, :, 4:12, 4:12], scale_factor=2.0, mode="nearest")


class Valid(Net):
    """Convolutions without padding, as in LeNet, whose map leaves the borders out."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 5)
        self.second = nn.Conv2d(8, 8, 5)


class Cut(Net):
    def see(self, x: Tensor) -> Tensor:
        return (x > 0).float()


class Detached(Net):
    def see(self, x: Tensor) -> Tensor:
        return x.detach()


class Bytes(Net):
    def see(self, x: Tensor) -> Tensor:
        return (50 * x + 128).clamp(0, 255).to(torch.uint8).float() / 255


class Rounded(Net):
    def see(self, x: Tensor) -> Tensor:
        return torch.round(4 * x)


class CutLate(Net):
    def features(self, x: Tensor) -> Tensor:
        return (super().features(x) > 0.1).float()


class StraightThrough(Net):
    """Rounds, with the gradient of the identity: by detach, as usual."""

    def see(self, x: Tensor) -> Tensor:
        return x + (torch.round(4 * x) / 4 - x).detach()


class Frozen(Net):
    """A backbone that was frozen in training."""

    def see(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            return torch.tanh(x)


class Reversal(torch.autograd.Function):
    @staticmethod
    def forward(_context: object, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(_context: object, gradient: Tensor) -> Tensor:
        return -gradient


class Reversed(Net):
    """A gradient reversal layer, as in domain adaptation."""

    def see(self, x: Tensor) -> Tensor:
        return Reversal.apply(x)


class Squeezed(Net):
    def forward(self, x: Tensor) -> Tensor:
        return self.last(F.adaptive_avg_pool2d(self.features(x), 1).squeeze())


class Lazy(Net):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.LazyConv2d(8, 3, padding=1)


class Dropping(Net):
    def see(self, x: Tensor) -> Tensor:
        return F.dropout(x, 0.5)


class Noisy(Net):
    def see(self, x: Tensor) -> Tensor:
        return x + 0.1 * torch.randn_like(x)


class Counting(Net):
    """Keeps a state from call to call."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(()), persistent=False)

    def see(self, x: Tensor) -> Tensor:
        self.seen += 1
        return x * self.seen


class WarmedUp(Net):
    """Scales by a counter that has come to its end, so that calls agree."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("steps", torch.full((), 500.0))

    def see(self, x: Tensor) -> Tensor:
        self.steps += 1
        return x * (self.steps / 100).clamp(max=1)


class CountsCalls(Net):
    """Counts its calls in a number, and answers otherwise after a thousand."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def see(self, x: Tensor) -> Tensor:
        self.calls += 1
        return 2 * x if self.calls > 1000 else x


class Toggles(Net):
    """Turns two switches at each call, and reads neither."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("odd", torch.zeros((), dtype=torch.bool))
        self.turned = False

    def see(self, x: Tensor) -> Tensor:
        self.turned, self.odd = not self.turned, ~self.odd
        return x


class ReadsItsToggle(Toggles):
    """Answers otherwise at every other call."""

    def see(self, x: Tensor) -> Tensor:
        return 2 * super().see(x) if self.turned else super().see(x)


class CountsInVain(CountsCalls):
    """Counts its calls, and keeps its last features, without reading either."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))
        self.last_mean = 0.0

    def features(self, x: Tensor) -> Tensor:
        self.seen += 1
        return super().features(x)

    def see(self, x: Tensor) -> Tensor:
        self.calls += 1
        return x


class EverySeventh(Net):
    """Changes its answer at each seventh call only."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("steps", torch.zeros(()))

    def see(self, x: Tensor) -> Tensor:
        self.steps += 7
        return x * (1 + self.steps % 7)


class SeenTwice(Net):
    """Computes its features twice, the second time for an output that is not chosen."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return super().forward(x), self.features(x + 1)


class Tied(Net):
    def __init__(self) -> None:
        super().__init__()
        self.third = nn.Conv2d(8, 8, 3, padding=1)
        self.third.weight, self.third.bias = self.second.weight, self.second.bias

    def features(self, x: Tensor) -> Tensor:
        return F.relu(self.third(super().features(x)))


class Pooled(Net):
    """A layer returns two tensors, of which the graph's last operator makes the wrong one."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(2, return_indices=True)

    def features(self, x: Tensor) -> Tensor:
        return self.pool(super().features(x))[0]


class Single(Net):
    """Constants and casts that name single precision."""

    def see(self, x: Tensor) -> Tensor:
        return x.float() * torch.tensor([0.1, 0.2, 0.3], dtype=x.dtype)[:, None, None]


class SingleOnly(Net):
    """Refuses double precision, as hand-written kernels do."""

    def see(self, x: Tensor) -> Tensor:
        if x.dtype != torch.float32:
            raise TypeError("float32 only")
        return x


class Coarse(Net):
    """Adds a large number and subtracts it again, which leaves one digit."""

    def features(self, x: Tensor) -> Tensor:
        return (super().features(x) + 1e7) - 1e7


class LessFirst(Net):
    """Subtracts what only the other images of a batch notice."""

    def features(self, x: Tensor) -> Tensor:
        features = super().features(x)
        return features - features[:1].mean((1, 2, 3), keepdim=True)


class LessLast(Net):
    def features(self, x: Tensor) -> Tensor:
        features = super().features(x)
        return features - features[-1:].mean((1, 2, 3), keepdim=True)


class Ranged(Net):
    """Divides by the largest value of the batch, if it is large."""

    def features(self, x: Tensor) -> Tensor:
        features = super().features(x)
        return features / features.amax().clamp(min=10)


class Twice(Net):
    """A module that is called twice, and one that works in place."""

    def __init__(self) -> None:
        super().__init__()
        self.act = nn.ReLU(inplace=True)

    def features(self, x: Tensor) -> Tensor:
        return self.act(self.second(self.act(self.norm(self.first(x)))))


class Stepped(Net):
    """An operator of which PyTorch has no gradient."""

    def see(self, x: Tensor) -> Tensor:
        return torch.heaviside(x, x.new_zeros(()))


class SteppedDetached(Net):
    def see(self, x: Tensor) -> Tensor:
        return torch.heaviside(x.detach(), x.new_zeros(()))


class SparseScores(Net):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).to_sparse()


class WholeScores(Net):
    def forward(self, x: Tensor) -> Tensor:
        return (100 * super().forward(x)).long()


class CastsToDouble(Net):
    def see(self, x: Tensor) -> Tensor:
        return x.double()


class DoubleMean(Net):
    """A plain attribute in double precision, which float() leaves as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.mean = torch.full((3, 1, 1), 0.25, dtype=torch.float64)

    def see(self, x: Tensor) -> Tensor:
        return x - self.mean


class CompiledPart(Net):
    """Compiles a part of itself, and a method."""

    def __init__(self) -> None:
        super().__init__()
        self.second = torch.compile(self.second)

    @torch.compile
    def see(self, x: Tensor) -> Tensor:
        return torch.tanh(x)


def compiled() -> nn.Module:
    return torch.compile(CompiledPart())


def scripted() -> nn.Module:
    return torch.jit.script(nn.Sequential(nn.Conv2d(3, CLASSES, SIDE), nn.Flatten()))


def halved() -> nn.Module:
    return Net().half()


def doubled() -> nn.Module:
    return DoubleMean().double()


def built(kind: str) -> nn.Module:
    """Return the network with weights and statistics that are as after training."""
    torch.manual_seed(5)
    module = globals()[kind]()
    if kind == "Lazy":
        module.eval()(torch.zeros(2, 3, SIDE, SIDE))
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.running_mean)
            nn.init.uniform_(part.running_var, 0.5, 2)
    return module.eval()


def entry_of(folder: Path, kind: str, more: str = "") -> ModelEntry:
    """Save the weights of a network and return its entry; `more` is further TOML."""
    weights = folder / f"{kind}.safetensors"
    if not weights.exists():
        save_file(built(kind).state_dict(), weights)
    file = folder / "models.toml"
    file.write_text(
        f'[models.{kind}]\nbuilder = "tests.workers.odd_networks:{kind}"\n'
        f'weights = "{kind}.safetensors"\ninput_size = {SIDE}\nmean = 0.5\nstd = 0.25\n'
        f"classes = {CLASSES}\n{more}"
    )
    return read_models(file)[kind]


def load(folder: Path, kind: str, more: str = "") -> VisionModel:
    """Return the network as a worker loads it."""
    return load_model(entry_of(folder, kind, more), torch.device("cpu"))
