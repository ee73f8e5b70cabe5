"""Small random networks in ONNX files, made without training or export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WIDTH = 24  # numbers in a feature


def write_network(
    path: Path,
    batch: int | str = "n",
    channels: int = 3,
    side: int | str = "side",
    flat: bool = True,
    inputs: int = 1,
) -> Path:
    """Two random convolutions, which see edges, and a global average -> (n, 24), or (n, 24, 1, 1) where not `flat`.

    Args:
        path: of the file to write; returned.
        batch, channels, side: what the file says of its input; words stand for what is open.
        flat: whether the last two sides of the output are taken away.
        inputs: how many inputs there are; those beyond the first are added to it.
    """
    names = ["pictures", *(f"more{extra}" for extra in range(1, inputs))]
    nodes, last = [], names[0]
    for extra, name in enumerate(names[1:]):
        nodes.append(helper.make_node("Add", [last, name], [f"sum{extra}"]))
        last = f"sum{extra}"
    convolutions, weights = _convolutions(last, channels)
    nodes += convolutions
    shape: list[Any] = [batch, WIDTH, 1, 1]
    if flat:
        nodes.append(helper.make_node("Flatten", ["pooled"], ["flat"]))
        shape = shape[:2]
    size = [batch, channels, side, side]
    given = [helper.make_tensor_value_info(name, TensorProto.FLOAT, size) for name in names]
    output = helper.make_tensor_value_info("flat" if flat else "pooled", TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "random", given, [output], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))
    return path


def _convolutions(last: str, channels: int) -> tuple[list[onnx.NodeProto], list[TensorProto]]:
    """From the values called `last` to those called "pooled". -> (nodes, weights)"""
    chance = np.random.default_rng(0)
    nodes, weights = [], []
    for i, (fan_in, fan_out) in enumerate([(channels, 12), (12, WIDTH)]):
        weight = chance.normal(0, 1 / np.sqrt(fan_in), (fan_out, fan_in, 3, 3)).astype(np.float32)
        if i == 0:
            weight -= weight.mean((2, 3), keepdims=True)  # it sees edges, not plain areas
        weights.append(numpy_helper.from_array(weight, f"w{i}"))
        nodes.append(helper.make_node("Conv", [last, f"w{i}"], [f"c{i}"], pads=[1, 1, 1, 1], strides=[i + 1, i + 1]))
        nodes.append(helper.make_node("Relu", [f"c{i}"], [f"r{i}"]))
        last = f"r{i}"
    nodes.append(helper.make_node("GlobalAveragePool", [last], ["pooled"]))
    return nodes, weights
