from __future__ import annotations

from typing import Any

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from ui.page.sparing import SparingBlocks

# Gradio makes an event loop where it finds none, and leaves it open.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

from gradio.events import Dependency

class Counted(gr.HTML):
    """Counts how often it is made."""

    made = 0

    def __init__(self, *given: Any, **named: Any) -> None:
        type(self).made += 1
        super().__init__(*given, **named)
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component


@pytest.fixture(scope="module")
def page():
    with SparingBlocks(analytics_enabled=False) as blocks:
        parts = [Counted(""), Counted(""), gr.Textbox("")]
        other = gr.HTML("")
        gr.Button().click(lambda: None, None, parts)
    return blocks, parts, other


@pytest.mark.parametrize(
    "given",
    [{0: "a"}, {2: "a"}, {2: "a", 0: "b"}, {0: "a", 1: "b", 2: "c"}, {1: {"value": "x", "__type__": "update"}}],
    ids=["first", "last", "two", "all", "update"],
)
async def test_that_what_is_sent_is_what_gradio_would_send(page, given):
    blocks, parts, _ = page
    values = {parts[place]: value for place, value in given.items()}
    sent = await blocks.postprocess_data(blocks.fns[0], values, SessionState(blocks))
    assert sent == await gr.Blocks.postprocess_data(blocks, blocks.fns[0], values, SessionState(blocks))


async def test_that_what_an_event_leaves_out_is_not_made_anew(page):
    blocks, parts, _ = page
    before = Counted.made
    await blocks.postprocess_data(blocks.fns[0], {parts[2]: "a"}, SessionState(blocks))
    assert Counted.made == before


async def test_that_a_part_that_an_event_does_not_name_is_an_error_as_it_was(page):
    blocks, parts, other = page
    with pytest.raises(ValueError, match="not specified as output"):
        await blocks.postprocess_data(blocks.fns[0], {parts[0]: "a", other: "b"}, SessionState(blocks))


async def test_that_outputs_in_order_are_left_to_gradio(page):
    blocks, _, _ = page
    assert await blocks.postprocess_data(blocks.fns[0], ["a", "b", "c"], SessionState(blocks)) == ["a", "b", "c"]