"""Empathy for an agent that is there already: middleware for LangChain's `create_agent`.

    from langchain.agents import create_agent
    from heartline import EmpathyMiddleware

    agent = create_agent(model, tools, system_prompt="…", middleware=[EmpathyMiddleware(country="GB")])

The agent keeps its model, its tools and its prompt. Put it last: what stands behind it could put another model in
the place of the one that is held back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from functools import partial
from typing import Annotated, Any, Literal, NotRequired

from langchain.agents.middleware import AgentMiddleware, AgentState, ModelRequest, ModelResponse, hook_config
from langchain.agents.middleware.types import OmitFromSchema
from langchain_core.messages import AIMessage, AnyMessage, SystemMessage
from langgraph.runtime import Runtime

from agent.build import build_agent
from agent.decisions import Reply, TokenUsage
from agent.errors import SettingsError
from agent.in_sync import result_of
from agent.langchain.dialogue import METADATA, said_in
from agent.langchain.held_back import Watch, checked, held_back
from agent.langchain.reading import HeartlineState, Read, Reader, note_composer
from agent.loop import Agent
from agent.perception import failure_of
from agent.protocols import Composer, Recalled
from agent.record import from_record
from agent.resumed import recent
from agent.settings import load_settings
from agent.turn import Turn

__all__ = ["EmpathyMiddleware", "EmpathyState", "NotePlace"]

NotePlace = Literal["system", "before-last"]


class EmpathyState(AgentState[Any]):
    """An agent's state with what was understood; nobody can put that in from outside."""

    heartline: NotRequired[Annotated[HeartlineState, OmitFromSchema(input=True, output=False)]]


class EmpathyMiddleware(AgentMiddleware[EmpathyState, Any, Any]):
    """Understands the person before the model is called, and looks at what it says before they see it.

    - A new message of the person is read, once: emotion, cause, risk, the course over the conversation, the plan.
      What came of it stands in the state under `heartline` and goes out as a custom event.
    - The model is told of it in a note of the composer's: labels, numbers, the strategy, never a person's words.
    - Where the guard asks for care, the model is not called: the words of the protocol are the answer, and the run
      ends.
    - What the model says is held back until the guard has nothing against it, sentence by sentence, also where it
      streams. Calls of tools and structured output pass untouched.

    Args:
        agent: Whose parts do it, with a guard of your choice; None makes one from the settings.
        composer: Writes the note, in system messages behind its first; None takes the registered one.
        variant: Parts of the note (see `agent.langchain.reading.Reader`).
        note: Where the note stands: at the end of the `"system"` message, which every model accepts, or in one of
            its own `"before-last"`, before the last message of the person, which leaves what comes before to the
            server's cache.
        keep: Whether finished turns are put into the agent's store as well, under the thread's id: for those who
            want to be told when a person is needed, to take conversations over, or to trace them. LangGraph's
            checkpointer keeps the conversation anyway, and is erased on its own.
        **settings: Settings by name, e.g. `country="GB"`.

    Attributes:
        agent: Whose parts do it; whoever is done with them closes it.

    Raises:
        SettingsError: A setting is unusable, or settings are given beside `agent`.
        WiringError: The parts do not fit together.
    """

    state_schema = EmpathyState

    def __init__(
        self,
        agent: Agent | None = None,
        *,
        composer: Composer | None = None,
        variant: str = "labels+strategy",
        note: NotePlace = "system",
        keep: bool = False,
        **settings: Any,
    ) -> None:
        super().__init__()
        if note not in ("system", "before-last"):
            raise SettingsError(f"`note` is {note!r}. Choices: system, before-last.")
        if agent is not None and settings:
            names = ", ".join(sorted(settings))
            raise SettingsError(f"`agent` is given, which is made already, and so are settings: {names}.")
        if agent is None:
            loaded = load_settings(**({} if keep else {"store": "memory"}) | settings)
            agent = build_agent(loaded)
            composer = composer or note_composer(loaded.composer, persona=loaded.persona)
        self._store = agent.store if keep else None
        self._reader = Reader(agent, composer or note_composer(), variant=variant, store=self._store)
        self.agent = agent
        self._note: NotePlace = note

    @hook_config(can_jump_to=["end"])
    def before_model(self, state: EmpathyState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Read a new message; answer it where care is asked for."""
        return self._update(result_of(partial(self._read, state, runtime)), state, runtime)

    @hook_config(can_jump_to=["end"])
    async def abefore_model(self, state: EmpathyState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """As `before_model`."""
        return self._update(await self._read(state, runtime), state, runtime)

    async def _read(self, state: EmpathyState, runtime: Runtime[Any]) -> Read | None:
        return await self._reader.read(state["messages"], state.get("heartline"), thread=_thread(runtime))

    def _update(self, read: Read | None, state: EmpathyState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        if read is None:
            verdicts = state["heartline"]["turn"]["verdicts"] if "heartline" in state else ()
            # Where care was taken and tools or a second run brought nothing new, no model is to add to it.
            return {"jump_to": "end"} if any(each["action"] == "escalate" for each in verdicts) else None
        runtime.stream_writer({METADATA: {"event": "understood", "turn": read.kept["turn"]}})
        reply = read.turn.reply
        if reply is None:
            return {"heartline": read.kept}
        message = AIMessage(
            reply.text, response_metadata={"model_name": reply.speaker, METADATA: read.kept["turn"]}
        )
        return {"heartline": read.kept, "messages": [message], "jump_to": "end"}

    def after_agent(self, state: EmpathyState, runtime: Runtime[Any]) -> None:
        """Keep the finished turn, where that is wanted. Where it fails, a custom event says so."""
        kept, thread = state.get("heartline"), _thread(runtime)
        if self._store is None or kept is None or thread is None:
            return
        try:
            before = self._store.recall(thread, turns=0)
            turn = _finished(from_record(kept["turn"]), state["messages"], before)
            self._store.append(replace(turn, history=recent(turn.history, self.agent)))
        except Exception as error:  # noqa: BLE001 - a stranger's store must not take the reply away
            failure = failure_of("remember", self._store.name, error)
            runtime.stream_writer({METADATA: {"event": "failed", "failure": asdict(failure)}})

    async def aafter_agent(self, state: EmpathyState, runtime: Runtime[Any]) -> None:
        """As `after_agent`."""
        await asyncio.to_thread(self.after_agent, state, runtime)

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        """Tell the model what was understood; let out what may be said."""
        watch = self._watch(request)
        if watch is None:
            return handler(request)
        return _checked(handler(self._told(request, watch)), watch)

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """As `wrap_model_call`."""
        watch = self._watch(request)
        if watch is None:
            return await handler(request)
        return _checked(await handler(self._told(request, watch)), watch)

    def _watch(self, request: ModelRequest[Any]) -> Watch | None:
        """None where no message of a person was read."""
        kept: HeartlineState | None = request.state.get("heartline")  # type: ignore[assignment]
        if kept is None:
            return None
        write = request.runtime.stream_writer

        def tell(category: str) -> None:
            write({METADATA: {"event": "held_back", "category": category}})

        return Watch(
            self.agent.guard, from_record(kept["turn"]), structured=request.response_format is not None, tell=tell
        )

    def _told(self, request: ModelRequest[Any], watch: Watch) -> ModelRequest[Any]:
        request = request.override(model=held_back(request.model, watch))
        note = request.state["heartline"]["note"]  # type: ignore[typeddict-item]
        if not note:
            return request
        if self._note == "before-last":
            return request.override(messages=_before_last(request.messages, SystemMessage(note)))
        return request.override(system_message=_with_note(request.system_message, note))


def _thread(runtime: Runtime[Any]) -> str | None:
    return None if runtime.execution_info is None else runtime.execution_info.thread_id


def _finished(turn: Turn, messages: list[AnyMessage], before: Recalled) -> Turn:
    """The turn with what came before it, and with what was answered, where that is text."""
    place = max((at for at, message in enumerate(messages) if message.type == "human"), default=0)
    turn = before.before(replace(turn, index=before.turns, history=tuple(said_in(messages[:place]))))
    last = messages[-1]
    if turn.reply is not None or not isinstance(last, AIMessage) or not last.text.strip():
        return turn
    counts = last.usage_metadata
    usage = None if counts is None else TokenUsage(counts["input_tokens"], counts["output_tokens"])
    return turn.fill(reply=Reply(last.text, str(last.response_metadata.get("model_name", "model")), usage=usage))


def _with_note(system: SystemMessage | None, note: str) -> SystemMessage:
    """Behind what is there, in the form that it has."""
    if system is None:
        return SystemMessage(note)
    if isinstance(system.content, str):
        return system.model_copy(update={"content": f"{system.content}\n\n{note}"})
    return system.model_copy(update={"content": [*system.content, {"type": "text", "text": note}]})


def _before_last(messages: list[AnyMessage], note: SystemMessage) -> list[AnyMessage]:
    place = max((at for at, message in enumerate(messages) if message.type == "human"), default=0)
    return [*messages[:place], note, *messages[place:]]


def _checked(response: ModelResponse[Any], watch: Watch) -> ModelResponse[Any]:
    """What another model said, which stands in for the one that is held back, is looked at here."""
    if response.structured_response is not None:
        return response
    return ModelResponse(result=[checked(message, watch) for message in response.result])
