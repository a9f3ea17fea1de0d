"""Gradio's page with less work for each event and at the start, and with errors that quote nobody."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from traceback import extract_tb
from typing import Any

import gradio as gr

__all__ = ["SparingBlocks"]

_log = logging.getLogger("heartline.page")
_GRADIO: Any = gr.blocks


class _NoApp:
    """Stands for Gradio's application where the next one takes its place."""

    @staticmethod
    def create_app(*_: Any, **__: Any) -> None:
        """None."""


@contextmanager
def _without_app() -> Iterator[None]:
    made = _GRADIO.App
    _GRADIO.App = _NoApp
    try:
        yield
    finally:
        _GRADIO.App = made


class SparingBlocks(gr.Blocks):
    """A page whose events cost what they change.

    Gradio makes the component of every output anew that an event leaves out, some milliseconds of computing each:
    while a reply comes, nearly all of them at each piece.

    It also makes its application, with all routes, four times: when the page begins, when it is built, with its
    queue and when it is mounted. Here it is the last two times: `queue` has to be called.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        with _without_app():
            super().__init__(*given, **named)

    def __exit__(self, *given: Any) -> None:  # noqa: PYI036 - Gradio's
        with _without_app():
            super().__exit__(*given)

    async def call_function(self, *given: Any, **named: Any) -> Any:
        """Run an event. See Gradio's.

        Raises:
            gr.Error: It failed. The browser tells that something broke (`page.js`), in the language of the page.
        """
        try:
            return await super().call_function(*given, **named)
        except gr.Error:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was: Gradio prints its words, which may quote a person
            *_, last = extract_tb(error.__traceback__)
            _log.error("An event of the page failed: %s, %s:%s", type(error).__name__, last.filename, last.lineno)
            raise gr.Error("broken", duration=1, print_exception=False) from None

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
