"""Open Inference Protocol V2: tensors, a row for each of their values, predictions, a tensor for each of their fields.

Specification: github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md; with Triton's
extension binary_tensor_data, which its client uses unless told otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from portfolio.errors import RequestRefused
from portfolio.serving.flow import Asked, Wish, keep_all, predictions
from portfolio.serving.protocols.form import Form, Parameters, is_missing, malformed, read_form
from portfolio.serving.protocols.tensors import (
    Datatype,
    Input,
    binary_output,
    binary_sizes,
    cells,
    gives,
    output,
    takes,
)
from portfolio.serving.service import Service
from portfolio.serving.validate import BATCH_ROWS, Row, check_names, check_number, validate_objects

EXTENSIONS = ["binary_tensor_data"]
PLATFORM = "onnx_onnxv1"
JSON_LENGTH = "Inference-Header-Content-Length"
DIGITS = 9


@dataclass(frozen=True)
class Message:
    """A body: JSON, and the tensors that follow it in binary."""

    json: bytes
    raw: bytes = b""

    @classmethod
    def of(cls, body: bytes, json_length: str | None) -> Message:
        """Split a body by the header that tells where its JSON ends; raises RequestRefused (400) where it can't."""
        if json_length is None:
            return cls(body)
        if not json_length.isdecimal() or len(json_length) > DIGITS or int(json_length) > len(body):
            raise malformed(JSON_LENGTH, "be the length of the JSON in bytes")
        end = int(json_length)
        return cls(body[:end], body[end:])


class Output(Form):
    """A tensor that is asked for."""

    name: str
    parameters: Parameters


class InferenceRequest(Form):
    """Rows by column. Parameters other than those of the binary extension are hints, and not followed."""

    id: str | None = None
    parameters: Parameters
    inputs: list[Input]
    outputs: list[Output] | None = None


def server(service: Service) -> dict[str, Any]:
    """The server's metadata."""
    return {"name": service.spec.name, "version": service.code.version, "extensions": EXTENSIONS}


def model(service: Service) -> dict[str, Any]:
    """The model's metadata; raises ModelNotAvailable."""
    spec, live = service.spec, service.live.require()
    return {
        "name": spec.name,
        "versions": [live.current.model_version],
        "platform": PLATFORM,
        "inputs": _described({column.name: takes(column) for column in spec.request.COLUMNS}),
        "outputs": _described(gives(spec.response)),
    }


def check_model(service: Service, model: str, version: str | None = None) -> None:
    """Raise RequestRefused (404) unless the service has this model, live in this version if one is named."""
    if model != service.spec.name:
        raise RequestRefused("No model has this name.", remedy=f"The one here is {service.spec.name}.", status=404)
    if version is not None and version != service.live.require().current.model_version:
        raise RequestRefused(
            "This version is not live.",
            remedy="Only the live one is served; the model's metadata names it.",
            status=404,
        )


def infer(service: Service, asked: Asked, length: str | None, wish: Wish) -> Message:
    """Answer up to 10,000 rows, all or none; `length` is that of the JSON, where tensors follow it in binary.

    Raises ModelNotAvailable, RequestRefused or JournalFull.
    """
    message = Message.of(asked.body, length)
    service.live.require()
    if wish.explain:
        raise RequestRefused("Tensors carry no explanation.", remedy="Ask /explain or /predict/batch?explain=true.")
    form = read_form(InferenceRequest, message.json)
    rows = _rows(service, form.inputs, message.raw)
    names = _wanted(service, form)
    answers = predictions(service, rows, wish)
    columns = {name: [answer[name] for answer in answers.predictions] for name in names}
    head: dict[str, Any] = {"model_name": service.spec.name, "model_version": answers.model.current.model_version}
    if form.id is not None:
        head["id"] = form.id
    content = _message(service, head, columns, binary={name for name, binary in names.items() if binary})
    keep_all(service, answers, asked, wish)
    return content


def _described(fields: Mapping[str, Datatype]) -> list[dict[str, Any]]:
    return [{"name": name, "datatype": datatype, "shape": [-1]} for name, datatype in fields.items()]


def _rows(service: Service, tensors: list[Input], raw: bytes) -> list[Row]:
    """One row for each value; a null, a NaN or an absent tensor is a missing field."""
    request = service.spec.request
    names = [tensor.name for tensor in tensors]
    check_names(request, names)
    lengths = {tensor.shape[0] for tensor in tensors if tensor.shape}
    if len(lengths) != 1 or len(set(names)) != len(names):
        raise malformed("inputs", "be tensors of one length, each field at most once")
    [length] = lengths
    check_number(length, BATCH_ROWS)
    known = {column.name: column for column in request.COLUMNS}
    objects: list[dict[str, Any]] = [{} for _ in range(length)]
    for tensor, part in zip(tensors, _parts(tensors, raw), strict=True):
        for fields, value in zip(objects, cells(tensor, known[tensor.name], part), strict=True):
            if not is_missing(value):
                fields[tensor.name] = value
    return validate_objects(request, objects)


def _parts(tensors: list[Input], raw: bytes) -> list[bytes | None]:
    """The bytes of each tensor, None for one that has its values in the JSON."""
    sizes = binary_sizes(tensors)
    if sum(sizes.values()) != len(raw):
        raise malformed("body", "have as many bytes behind its JSON as the tensors say")
    parts: list[bytes | None] = []
    start = 0
    for tensor in tensors:
        size = sizes.get(tensor.name)
        parts.append(None if size is None else raw[start : start + size])
        start += size or 0
    return parts


def _wanted(service: Service, asked: InferenceRequest) -> dict[str, bool]:
    """The names of the tensors to answer, and whether in binary."""
    fields, outputs = gives(service.spec.response), asked.outputs or []
    default = asked.parameters.get("binary_data_output") is True
    wanted = {one.name: one.parameters.get("binary_data", default) is True for one in outputs}
    if wanted.keys() - fields.keys() or len(wanted) != len(outputs):
        raise malformed("outputs", f"name each at most once of {', '.join(fields)}")
    if any(one.parameters.keys() - {"binary_data"} for one in outputs):
        raise malformed("outputs", "have no parameter but binary_data")
    return wanted or dict.fromkeys(fields, default)


def _message(service: Service, head: dict[str, Any], columns: dict[str, list[Any]], *, binary: set[str]) -> Message:
    datatypes, tensors, raw = gives(service.spec.response), [], []
    for name, values in columns.items():
        if name in binary:
            tensor, content = binary_output(name, datatypes[name], values)
            raw.append(content)
        else:
            tensor = output(name, datatypes[name], values)
        tensors.append(tensor)
    return Message(orjson.dumps({**head, "outputs": tensors}), b"".join(raw))
