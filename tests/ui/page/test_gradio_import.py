"""Gradio is imported without what it writes for editors."""

from __future__ import annotations

import gradio
from gradio import component_meta


def test_that_no_stub_is_written_while_gradio_is_imported():
    # `conftest.py` did it. What would write them is called for each component, those of others too.
    assert "_WithoutStubs" in component_meta.create_or_modify_pyi.__qualname__
    gradio.Textbox()
