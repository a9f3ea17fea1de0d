"""Gradio is imported without what it writes for editors."""

from __future__ import annotations

import subprocess
import sys

WITHOUT = """
from ui.page.gradio_import import import_gradio
import_gradio()
from gradio import component_meta
assert "_WithoutStubs" in component_meta.create_or_modify_pyi.__qualname__, component_meta.create_or_modify_pyi
import gradio
gradio.Textbox()
"""


def test_that_no_stub_is_written_while_gradio_is_imported():
    ran = subprocess.run([sys.executable, "-c", WITHOUT], check=False, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
