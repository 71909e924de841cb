"""Tensors of the Open Inference Protocol: a request's as columns of cells, a response's fields as tensors.

In JSON or, by the extension that Triton names binary_tensor_data, as bytes behind it: numbers little-endian, each text
behind its length in four bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

import numpy as np
import orjson

from portfolio.serving.protocols.form import Form, Parameters, malformed
from portfolio.spec import Column, Response

Datatype = Literal[
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BYTES"
]
NUMBERS = {
    "FP64": "<f8", "FP32": "<f4", "FP16": "<f2",
    "INT64": "<i8", "INT32": "<i4", "INT16": "<i2", "INT8": "<i1",
    "UINT64": "<u8", "UINT32": "<u4", "UINT16": "<u2", "UINT8": "<u1",
}  # fmt: skip
KINDS: dict[Any, Datatype] = {float: "FP64", float | None: "FP64", int: "INT64", bool: "BOOL", str: "BYTES"}
LENGTH = 4
BINARY_SIZE = "binary_data_size"


class Input(Form):
    """A field's values, one a row. `data` is absent where they follow the JSON."""

    name: str
    datatype: str
    shape: list[int]
    parameters: Parameters
    data: list[Any] | None = None


def takes(column: Column) -> Datatype:
    """The datatype that is announced for a field; a number comes in any numeric one."""
    return ("INT64" if column.whole else "FP64") if column.numeric else "BYTES"


def gives(response: type[Response]) -> dict[str, Datatype]:
    """The datatype of each field of the answer, the project's own first. What is no plain value is JSON text."""
    own = [name for name in response.model_fields if name not in Response.model_fields]
    return {name: _datatype(response.model_fields[name].annotation) for name in (*own, *Response.model_fields)}


def cells(tensor: Input, column: Column, raw: bytes | None) -> list[Any]:
    """The tensor's values [N], from its `raw` bytes if it has some; raises RequestRefused (400) for another form."""
    allowed = tuple(NUMBERS) if column.numeric else ("BYTES",)
    if tensor.datatype not in allowed:
        raise malformed(tensor.name, f"be of datatype {' or '.join(allowed)}")
    if not tensor.shape or tensor.shape[1:] not in ([], [1]):
        raise malformed(tensor.name, "have the shape [N] or [N, 1]")
    values = _parsed(tensor, raw)
    if len(values) != tensor.shape[0]:
        raise malformed(tensor.name, "have as many values as its shape says")
    return values


def output(name: str, datatype: Datatype, values: Sequence[Any]) -> dict[str, Any]:
    """A tensor in JSON."""
    return {**_described(name, datatype, values), "data": _plain(datatype, values)}


def binary_output(name: str, datatype: Datatype, values: Sequence[Any]) -> tuple[dict[str, Any], bytes]:
    """A tensor's description, and its bytes."""
    if datatype == "BYTES":
        raw = b"".join(_measured(text) for text in _plain(datatype, values))
    else:
        raw = np.array(values, dtype="?" if datatype == "BOOL" else NUMBERS[datatype]).tobytes()
    return {**_described(name, datatype, values), "parameters": {BINARY_SIZE: len(raw)}}, raw


def _datatype(annotation: Any) -> Datatype:
    kinds = {type(choice) for choice in get_args(annotation)} if get_origin(annotation) is Literal else {annotation}
    return KINDS.get(kinds.pop(), "BYTES") if len(kinds) == 1 else "BYTES"


def _described(name: str, datatype: Datatype, values: Sequence[Any]) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": [len(values)]}


def _plain(datatype: Datatype, values: Sequence[Any]) -> Sequence[Any]:
    if datatype != "BYTES":
        return values
    return [value if isinstance(value, str) else orjson.dumps(value).decode() for value in values]


def _parsed(tensor: Input, raw: bytes | None) -> list[Any]:
    if (raw is None) == (tensor.data is None):
        raise malformed(tensor.name, f"have either data or {BINARY_SIZE}")
    if raw is None:
        return _flat(tensor)
    if tensor.datatype == "BYTES":
        return list(_texts(tensor.name, raw))
    try:
        values: list[Any] = np.frombuffer(raw, dtype=NUMBERS[tensor.datatype]).tolist()
    except ValueError:
        raise malformed(tensor.name, "have whole values in its bytes") from None
    return values


def _flat(tensor: Input) -> list[Any]:
    values = tensor.data or []
    if len(tensor.shape) == 1 or not all(isinstance(value, list) and len(value) == 1 for value in values):
        return values
    return [value for [value] in values]


def _texts(name: str, raw: bytes) -> Iterator[str]:
    start = 0
    while start < len(raw):
        end = start + LENGTH + int.from_bytes(raw[start : start + LENGTH], "little")
        if end > len(raw):
            raise malformed(name, "have a length in four bytes before each text")
        try:
            yield raw[start + LENGTH : end].decode()
        except UnicodeDecodeError:
            raise malformed(name, "be in UTF-8") from None
        start = end


def _measured(text: str) -> bytes:
    content = text.encode()
    return len(content).to_bytes(LENGTH, "little") + content


def binary_sizes(tensors: Sequence[Input]) -> Mapping[str, int]:
    """How many bytes behind the JSON belong to each tensor that has none of its values in it, in order."""
    sizes = {tensor.name: tensor.parameters[BINARY_SIZE] for tensor in tensors if BINARY_SIZE in tensor.parameters}
    for name, size in sizes.items():
        if type(size) is not int or size < 0:
            raise malformed(f"{name}.{BINARY_SIZE}", "be a whole number of bytes")
    return sizes
