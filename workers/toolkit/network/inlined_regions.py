"""Put the operators of regions without autocast into the graph around them.

`torch.export` turns `with torch.autocast(…, enabled=False)` into one operator that holds a graph of
its own. Nothing inside such a region can be a layer, and no rule knows the operator. Since models
run without autocast here, the region computes what its operators compute outside of it.
"""

import operator
from typing import Any

import torch
from torch import fx

_AUTOCAST = torch.ops.higher_order.wrap_with_autocast


def inline_regions(graph_module: fx.GraphModule) -> None:
    """Replace each region in which autocast is off by its operators, also those inside others.

    A region in which autocast is on stays as it is, with all regions inside it: operators of
    those in which it is off would compute in lower precision outside of them.
    """
    for node in list(graph_module.graph.find_nodes(op="call_function", target=_AUTOCAST)):
        arguments: Any = node.args
        _device, _dtype, enabled, _cache, body, *inputs = arguments
        if enabled:
            continue
        inner = getattr(graph_module, body.target)
        inline_regions(inner)
        # A region that reads tensors of its own would need them under other names here.
        if inner.graph.find_nodes(op="get_attr"):
            continue
        _inline(graph_module.graph, node, inner.graph, inputs)
        if not body.users:
            graph_module.graph.erase_node(body)
            graph_module.delete_submodule(body.target)


def _inline(graph: fx.Graph, node: fx.Node, inner: fx.Graph, inputs: list[fx.Node]) -> None:
    copies = dict(zip(inner.find_nodes(op="placeholder"), inputs, strict=True))
    with graph.inserting_before(node):
        outputs: Any = graph.graph_copy(inner, copies)
    for user in list(node.users):
        assert user.target is operator.getitem
        user.replace_all_uses_with(outputs[user.args[1]])
        graph.erase_node(user)
    graph.erase_node(node)
