"""How an LLM's answer is bound to a form: by the server where it can, else by being told and checked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from agent.answers import checked_schema, one_object
from agent.decisions import PromptMessage
from agent.errors import ReadingError

__all__ = ["WAYS", "Form", "Way"]

Way = Literal["structured_outputs", "json_schema", "json_with_schema", "json", "text"]
"""vLLM's `structured_outputs`; OpenAI's `response_format` with a JSON schema; the schema beside JSON mode, as
llama.cpp takes it, and its Python server in no other way; JSON mode alone; or the form is only told, and the
answer checked.
"""

WAYS: tuple[Way, ...] = ("structured_outputs", "json_schema", "json_with_schema", "json", "text")
"""The strictest first."""

_WRAPPING = 24  # tokens for `{"answer": "…"}`, white space and the end


@dataclass(frozen=True, slots=True)
class Form:
    """What an answer must look like.

    Attributes:
        schema: Of the JSON object, checked; where there are choices, of one with the choice as `answer`.
        choices: None where an object is asked for.
        tokens: Most that an answer can take; a token is a byte at least.
    """

    schema: Mapping[str, Any]
    choices: tuple[str, ...] | None
    tokens: int

    @classmethod
    def of_choices(cls, choices: Sequence[str]) -> Self:
        """One of the choices.

        Raises:
            ReadingError: They are no choice.
        """
        sound = all(isinstance(choice, str) and choice.strip() == choice != "" for choice in choices)
        if not sound or len(set(choices)) < max(2, len(choices)):
            raise ReadingError(
                f"Choices are two or more different words without white space around them, not {list(choices)!r}."
            )
        schema = {
            "type": "object",
            "properties": {"answer": {"type": "string", "enum": list(choices)}},
            "required": ["answer"],
        }
        longest = max(len(choice.encode()) for choice in choices)
        return cls(checked_schema(schema), tuple(choices), longest + _WRAPPING)

    @classmethod
    def of_schema(cls, schema: Mapping[str, Any]) -> Self:
        """An object by a flat schema (see `agent.answers.checked_schema`).

        Raises:
            ReadingError: The schema is not flat, or asks for what is not checked.
        """
        checked = checked_schema(schema)
        sizes = (_size(name, rule) for name, rule in checked["properties"].items())
        return cls(checked, None, sum(sizes) + _WRAPPING)

    def body(self, way: Way, messages: Sequence[PromptMessage]) -> dict[str, Any]:
        """The fields of a request that ask `messages` in one way.

        What the server does not see to is said at the end of the first system message, or in one of its own.
        """
        told = list(messages)
        if way != "structured_outputs" or self.choices is None:
            told = _with_instruction(told, self._instruction(way))
        body: dict[str, Any] = {"messages": [{"role": each.role, "content": each.content} for each in told]}
        match way:
            case "structured_outputs":
                bound = {"json": self.schema} if self.choices is None else {"choice": list(self.choices)}
                body["structured_outputs"] = bound
            case "json_schema":
                named = {"name": "answer", "schema": self.schema, "strict": True}
                body["response_format"] = {"type": "json_schema", "json_schema": named}
            case "json_with_schema":
                body["response_format"] = {"type": "json_object", "schema": self.schema}
            case "json":
                body["response_format"] = {"type": "json_object"}
        return body

    def _instruction(self, way: Way) -> str:
        if self.choices is not None and way == "text":
            return f"Answer with one of these and nothing else: {', '.join(self.choices)}"
        schema = json.dumps(self.schema, ensure_ascii=False)
        return f"Answer with one JSON object and nothing else. Its JSON schema: {schema}"

    def held(self, way: Way, text: str, *, valid: bool) -> bool:
        """Whether the server held to what it was asked to hold to, as far as an answer shows.

        Args:
            way: How the answer was bound.
            text: The answer; may be cut off.
            valid: It has this form.
        """
        text = text.strip()
        if way == "text" or not text:  # nothing said is nothing broken
            return True
        if way == "structured_outputs" and self.choices is not None:
            return any(choice.startswith(text) for choice in self.choices)
        if not text.startswith("{"):
            return False
        return way == "json" or valid or one_object(text) is None  # cut off


def _size(name: str, rule: Mapping[str, Any]) -> int:
    """Most tokens that a property takes, name and punctuation with it."""
    if "enum" in rule:
        value = max(len(json.dumps(allowed, ensure_ascii=False).encode()) for allowed in rule["enum"])
    else:
        value = rule["maxLength"] + 2 if rule["type"] == "string" else 24
    return len(name.encode()) + value + 8


def _with_instruction(messages: Sequence[PromptMessage], instruction: str) -> list[PromptMessage]:
    for place, message in enumerate(messages):
        if message.role == "system":
            added = replace(message, content=f"{message.content}\n\n{instruction}")
            return [*messages[:place], added, *messages[place + 1 :]]
    return [PromptMessage("system", instruction), *messages]
