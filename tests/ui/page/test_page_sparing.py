from __future__ import annotations

import gradio as gr
import pytest
from gradio.routes import App
from gradio.state_holder import SessionState

from ui.page.sparing import SparingBlocks


@pytest.fixture
async def page():  # Gradio makes an event loop where it finds none, and leaves it open
    with SparingBlocks(analytics_enabled=False) as blocks:
        parts = [gr.HTML(""), gr.HTML(""), gr.Textbox("")]
        other = gr.HTML("")
        gr.Button().click(lambda: None, None, parts)
    return blocks, parts, other


@pytest.mark.parametrize("given", [{0: "a"}, {2: "a"}, {2: "a", 0: "b"}], ids=["first", "last", "two"])
async def test_that_what_an_event_leaves_out_stays_and_is_not_made_anew(page, given):
    blocks, parts, _ = page
    state = SessionState(blocks)
    values = {parts[place]: value for place, value in given.items()}
    sent = await blocks.postprocess_data(blocks.fns[0], values, state)
    assert sent == [given.get(place, gr.skip()) for place in range(len(parts))]
    assert all(state[part._id] is part for place, part in enumerate(parts) if place not in given)


async def test_that_a_part_that_an_event_does_not_name_is_an_error_as_it_was(page):
    blocks, parts, other = page
    with pytest.raises(ValueError, match="not specified as output"):
        await blocks.postprocess_data(blocks.fns[0], {parts[0]: "a", other: "b"}, SessionState(blocks))


async def test_that_outputs_in_order_are_left_to_gradio(page):
    blocks, _, _ = page
    assert await blocks.postprocess_data(blocks.fns[0], ["a", "b", "c"], SessionState(blocks)) == ["a", "b", "c"]


async def test_that_an_event_that_fails_quotes_nobody(page, caplog, capsys):
    blocks, parts, _ = page

    def fails() -> None:
        raise ValueError("my secret")

    with blocks:
        gr.Button().click(fails, None, parts)
    with pytest.raises(gr.Error) as told:
        await blocks.call_function(blocks.fns[1], [])
    assert "ValueError" in caplog.text
    assert not told.value.print_exception
    assert told.value.__cause__ is None
    assert "secret" not in caplog.text + str(told.value) + capsys.readouterr().err


async def test_that_the_application_is_not_made_before_there_is_a_queue(monkeypatch):
    made = []
    create = App.create_app
    monkeypatch.setattr(App, "create_app", lambda *given, **named: made.append(given) or create(*given, **named))
    with SparingBlocks(analytics_enabled=False) as blocks:
        gr.Textbox("")
    assert made == []
    blocks.queue(max_size=7)
    assert len(made) == 1
    assert isinstance(blocks.app, App)
