"""Other outputs for an ONNX model, without the package `onnx`, which is large.

A model is a message of protobuf. Such messages are joined by putting one behind the other: fields that repeat, as
`ModelProto.graph.output` does, are added to. And a field is left out by not copying it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

__all__ = ["only", "outputs"]

_GRAPH, _OUTPUT, _NAME = 7, 12, 1  # numbers of the fields in onnx.proto
_NODE, _NODE_INPUT, _NODE_OUTPUT = 1, 1, 2
_WEIGHTS, _WEIGHTS_NAME = 5, 8
_BYTES = 2  # wire type
_MORE = 1 << 7


def outputs(tensors: Sequence[str]) -> bytes:
    """What, put behind a model, makes tensors inside of its graph outputs."""
    return b"".join(_field(_GRAPH, _field(_OUTPUT, _field(_NAME, tensor.encode()))) for tensor in tensors)


def only(model: bytes, tensor: str) -> bytes:
    """The model with one tensor inside of its graph as its single output.

    What does not lead to it is left out: ONNX Runtime would compute it all the same.

    Raises:
        ValueError: The bytes are no protobuf message.
    """
    kept = [
        whole if number != _GRAPH else _field(_GRAPH, _leading_to(tensor, body))
        for number, whole, body in _fields(memoryview(model))
    ]
    return b"".join(kept) + outputs([tensor])


def _leading_to(tensor: str, graph: memoryview) -> bytes:
    """The graph without outputs, and with those nodes and weights alone that a tensor depends on."""
    needed = {tensor.encode()}
    kept: list[memoryview] = []
    for number, whole, body in reversed([*_fields(graph)]):  # a node stands behind those whose outputs it takes
        if number == _NODE:
            parts = [*_fields(body)]
            if needed.isdisjoint(bytes(part) for place, _, part in parts if place == _NODE_OUTPUT):
                continue
            needed.update(bytes(part) for place, _, part in parts if place == _NODE_INPUT)
        if number != _OUTPUT:
            kept.append(whole)
    kept.reverse()
    return b"".join(
        field
        for field in kept
        for number, _, body in _fields(field)
        if number != _WEIGHTS
        or any(bytes(part) in needed for place, _, part in _fields(body) if place == _WEIGHTS_NAME)
    )


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview, memoryview]]:
    """Number, the whole field, and what it holds, field by field; nothing is copied, for a model is large."""
    place = 0
    while place < len(message):
        start = place
        tag, place = _varint(message, place)
        body = place
        match tag & 7:
            case 0:
                _, place = _varint(message, place)
            case 1:
                place += 8
            case 2:
                length, body = _varint(message, place)
                place = body + length
            case 5:
                place += 4
            case kind:
                raise ValueError(f"no protobuf message: a field of kind {kind}")
        if place > len(message):
            raise ValueError("no protobuf message: it ends in a field")
        yield tag >> 3, message[start:place], message[body:place]


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends."""
    value = shift = 0
    while place < len(message):
        byte = message[place]
        value |= (byte & (_MORE - 1)) << shift
        place, shift = place + 1, shift + 7
        if byte < _MORE:
            return value, place
    raise ValueError("no protobuf message: it ends in a number")


def _field(number: int, content: bytes) -> bytes:
    """One field of protobuf: number and wire type in a byte, length with seven bits a byte, content."""
    length, head = len(content), bytes([number << 3 | _BYTES])
    while length >= _MORE:
        head += bytes([length % _MORE + _MORE])
        length //= _MORE
    return head + bytes([length]) + content
