"""LangChain's own tests of chat models (`langchain-tests`), on the offline responder and on an LLM's server.

A test that cannot apply is expected to fail, for its reason, in what the model says about it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from agent.errors import InputError, SettingsError
from agent.langchain.chat_model import ChatHeartline
from tests.answering_llm import AnsweringLLM

# A busy machine makes reading slow, and risk that could not be read asks no LLM.
OFFLINE = {"store": "memory", "plugins": ("emotion", "risk"), "plugin_seconds": 60}

TOOL_TESTS = (
    "test_tool_calling",
    "test_tool_calling_async",
    "test_bind_runnables_as_tools",
    "test_tool_message_histories_string_content",
    "test_tool_message_histories_list_content",
    "test_tool_choice",
    "test_tool_calling_with_no_arguments",
    "test_tool_message_error_status",
    "test_structured_few_shot_examples",
    "test_agent_loop",
    "test_unicode_tool_call_integration",
)
STRUCTURED_TESTS = (
    "test_structured_output",
    "test_structured_output_async",
    "test_structured_output_pydantic_2_v1",
    "test_structured_output_optional_param",
    "test_json_mode",
)
OTHER_INPUT_TESTS = (
    "test_pdf_inputs",
    "test_audio_inputs",
    "test_image_inputs",
    "test_image_tool_message",
    "test_pdf_tool_message",
    "test_anthropic_inputs",
)
OVERRIDE_TESTS = (
    "test_invoke_with_model_override",
    "test_ainvoke_with_model_override",
    "test_stream_with_model_override",
    "test_astream_with_model_override",
)


def look_up(question: str) -> str:
    """Looks something up."""
    return question


def _cannot(reason: str, error: type[Exception], attempt: Callable[[BaseChatModel], object]) -> Any:
    """In place of a standard test: shows that the model refuses, and how."""

    @pytest.mark.xfail(reason=reason, raises=error, strict=True)
    def test(self: object, model: BaseChatModel) -> None:
        attempt(model)

    return test


def _unrecorded(model: BaseChatModel) -> None:
    raise NotImplementedError


CANNOT_CALL_TOOLS = _cannot(
    "It answers a person and calls no tools; `EmpathyMiddleware` goes around agents that do.",
    NotImplementedError,
    lambda model: model.bind_tools([look_up]),
)
CANNOT_STRUCTURE = _cannot(
    "A reply to a person has no schema.", NotImplementedError, lambda model: model.with_structured_output({})
)
CANNOT_SEE = _cannot(
    "It reads text.",
    InputError,
    lambda model: model.invoke([HumanMessage([{"type": "image", "url": "https://example.org/a.png"}])]),
)
CANNOT_CHANGE = _cannot(
    "The LLM belongs to the agent and does not change from call to call.",
    SettingsError,
    lambda model: model.invoke("Hello", model="another"),
)
CANNOT_REPLAY = _cannot("It has no recorded traffic; `make bench` measures.", NotImplementedError, _unrecorded)


class TestUnit(ChatModelUnitTests):
    test_bind_tool_pydantic = CANNOT_CALL_TOOLS
    test_with_structured_output = CANNOT_STRUCTURE
    test_serdes = _cannot(
        "An agent holds a store and connections, which no text can hold.", NotImplementedError, _unrecorded
    )

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatHeartline

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"settings": OFFLINE}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        environment = {
            "HEARTLINE_LLM_URL": "http://127.0.0.1:9/v1",
            "HEARTLINE_LLM_MODEL": "tiny",
            "HEARTLINE_LLM_API_KEY": "secret",
        }
        return environment, {}, {"base_url": "http://127.0.0.1:9/v1", "model": "tiny", "api_key": "secret"}


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
class OnAServer(ChatModelIntegrationTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatHeartline

    test_stream_time = CANNOT_REPLAY
    for _name in TOOL_TESTS:
        locals()[_name] = CANNOT_CALL_TOOLS
    for _name in STRUCTURED_TESTS:
        locals()[_name] = CANNOT_STRUCTURE
    for _name in OTHER_INPUT_TESTS:
        locals()[_name] = CANNOT_SEE
    for _name in OVERRIDE_TESTS:
        locals()[_name] = CANNOT_CHANGE


class TestOffline(OnAServer):
    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"settings": OFFLINE}

    @pytest.mark.xfail(reason="The offline responder counts no tokens.", raises=AssertionError, strict=True)
    def test_usage_metadata(self, model: BaseChatModel) -> None:
        super().test_usage_metadata(model)

    @pytest.mark.xfail(reason="The offline responder counts no tokens.", raises=AssertionError, strict=True)
    def test_usage_metadata_streaming(self, model: BaseChatModel) -> None:
        super().test_usage_metadata_streaming(model)


class TestWithAnLLM(OnAServer):
    url = ""

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _server(cls) -> Iterator[None]:
        with AnsweringLLM(says="That sounds hard. What happened then?") as server:
            cls.url = server.url
            yield

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"settings": OFFLINE, "base_url": self.url, "model": "tiny"}
