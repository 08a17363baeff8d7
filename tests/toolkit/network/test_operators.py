"""The table of operators names every operator of well-known models, and what it says is true."""

from collections.abc import Callable, Iterator

import pytest
import timm
import torch
import torchvision
from torch import Tensor, nn

from workers.toolkit.network.graph import export_graph, operator_name
from workers.toolkit.network.operators import OPERATORS, UNKNOWN

SMALL = (
    "test_byobnet",
    "test_coatnet",
    "test_convnext",
    "test_efficientnet",
    "test_resnet",
    "test_vit3",
)
ZOO = (
    "resnet18",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "efficientnet_b0",
    "densenet121",
    "googlenet",
    "inception_v3",
    "vgg11_bn",
    "alexnet",
    "squeezenet1_1",
    "shufflenet_v2_x0_5",
    "mnasnet0_5",
    "convnext_tiny",
    "swin_t",
    "swin_v2_t",
    "vit_b_16",
    "regnet_y_400mf",
    "maxvit_t",
)
TIMM = (
    "tf_efficientnet_lite0",
    "convnext_atto",
    "mobilevit_xxs",
    "repvgg_a0",
    "nf_resnet50",
    "deit_tiny_patch16_224",
    "mixer_s32_224",
    "botnet26t_256",
    "fastvit_t8",
    "efficientformer_l1",
    "hgnetv2_b0",
    "levit_128s",
    "resnest14d",
    "test_vit",
    "test_vit4",
    "test_efficientnet_evos",
    "test_nfnet",
    "test_mambaout",
    "test_maxvit",
)
SIDES = {"vit_b_16": 224, "maxvit_t": 224, "inception_v3": 96, "alexnet": 96}

# What the code that reads the table cannot use, because nothing is known of it.
NOT_UNDERSTOOD = {"_assert_tensor_metadata", "sym_size"}


# Attention of levit and efficientformer keeps a cache in attributes, which torch.export mentions.
pytestmark = pytest.mark.filterwarnings("ignore:The tensor attribute")


def operators(module: nn.Module, side: int) -> set[str]:
    """The names of the operators in the module's graph."""
    graph = export_graph(module.eval(), 3, side, side).graph
    return {operator_name(node) for node in graph.nodes} - {""}


def of_timm(name: str) -> set[str]:
    module = timm.create_model(name)
    return operators(module, module.default_cfg["input_size"][-1])


@pytest.mark.parametrize("name", SMALL)
def test_every_operator_of_a_small_model_is_in_the_table(name: str) -> None:
    assert of_timm(name) - OPERATORS.keys() == set()


@pytest.mark.slow
@pytest.mark.parametrize("name", TIMM)
def test_every_operator_of_a_timm_model_is_in_the_table(name: str) -> None:
    assert of_timm(name) - OPERATORS.keys() == set()


@pytest.mark.slow
@pytest.mark.parametrize("name", ZOO)
def test_every_operator_of_a_torchvision_model_is_in_the_table(name: str) -> None:
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    module = torchvision.models.get_model(name, weights=None, **options)
    assert operators(module, SIDES.get(name, 64)) - OPERATORS.keys() == set()


def test_what_is_not_known_is_listed() -> None:
    assert {name for name, info in OPERATORS.items() if info == UNKNOWN} == NOT_UNDERSTOOD


@pytest.mark.parametrize("name", OPERATORS)
def test_the_name_is_that_of_an_operator(name: str) -> None:
    assert name == "getitem" or hasattr(torch.ops.aten, name)


def schemas(name: str) -> Iterator[torch.FunctionSchema]:
    """The schemas of an operator's overloads that return a new tensor."""
    packet = getattr(torch.ops.aten, name)
    for overload in packet.overloads():
        schema = getattr(packet, overload)._schema
        if not schema.is_mutable:
            yield schema


@pytest.mark.parametrize("name", [name for name, info in OPERATORS.items() if info.fresh])
def test_torch_does_not_call_a_fresh_result_an_alias(name: str) -> None:
    returned = [value for schema in schemas(name) for value in schema.returns]
    assert returned and all(value.alias_info is None for value in returned)


@pytest.mark.parametrize("name", [name for name, info in OPERATORS.items() if info.bounds])
def test_bounds_are_numbers_or_arguments(name: str) -> None:
    known = {argument.name for schema in schemas(name) for argument in schema.arguments}
    bounds = OPERATORS[name].bounds or ()
    assert all(bound in known for bound in bounds if isinstance(bound, str))


CALLS: dict[str, Callable[[Tensor], Tensor]] = {
    "_native_batch_norm_legit_no_training": lambda x: (
        torch.ops.aten._native_batch_norm_legit_no_training(
            x, None, None, torch.zeros(4), torch.ones(4), 0.1, 1e-5
        )[0]
    ),
    "batch_norm": lambda x: torch.ops.aten.batch_norm(
        x, None, None, torch.zeros(4), torch.ones(4), False, 0.1, 1e-5, False
    ),
    "cat": lambda x: torch.cat([x, x], 1),
    "clamp": lambda x: torch.ops.aten.clamp(x, 0.1, 0.9),
    "clamp_max": lambda x: torch.ops.aten.clamp_max(x, 0.9),
    "clamp_min": lambda x: torch.ops.aten.clamp_min(x, 0.1),
    "dropout": lambda x: torch.ops.aten.dropout(x, 0.5, False),
    "feature_dropout": lambda x: torch.ops.aten.feature_dropout(x, 0.5, False),
    "pow": lambda x: torch.ops.aten.pow(x, 3),
    "prelu": lambda x: torch.ops.aten.prelu(x, torch.full((4,), 0.2)),
    "to": lambda x: torch.ops.aten.to(x, torch.float64),
}
BINARY = {"add", "div", "maximum", "minimum", "mul", "sub"}


@pytest.mark.parametrize("name", [name for name, info in OPERATORS.items() if info.pointwise])
def test_a_pointwise_operator_changes_only_the_place_that_was_changed(name: str) -> None:
    function = getattr(torch.ops.aten, name)
    call = CALLS.get(name, (lambda x: function(x, x.square())) if name in BINARY else function)
    x = torch.rand(2, 4, 5, 6, generator=torch.Generator().manual_seed(0))
    changed = x.clone()
    changed[:, :, 2, 3] += 1.7
    differs = (call(x) != call(changed)).any((0, 1))
    differs[2, 3] = False
    assert not differs.any()
