"""Gradio's page with less work for each event."""

from __future__ import annotations

import copy
from typing import Any

import gradio as gr

__all__ = ["SparingBlocks"]


class SparingBlocks(gr.Blocks):
    """A page whose events cost what they change.

    Gradio makes the component of every output anew that an event leaves out, some milliseconds of computing each:
    while a reply comes, nearly all of them at each piece.
    """

    async def postprocess_data(self, block_fn: Any, predictions: Any, state: Any) -> list[Any]:
        """What is sent to the browser for each output. See Gradio's."""
        outputs = list(block_fn.outputs)
        given = predictions if isinstance(predictions, dict) else {}
        if len(given) in {0, len(outputs)} or any(component not in outputs for component in given):
            return await super().postprocess_data(block_fn, predictions, state)
        fewer = copy.copy(block_fn)
        fewer.outputs = list(given)
        values = list(given.values())
        made = await super().postprocess_data(fewer, values[0] if len(values) == 1 else values, state)
        sent = dict(zip(given, made, strict=True))
        return [sent.get(component, gr.skip()) for component in outputs]
