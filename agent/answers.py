"""What an LLM's short answer says: which choice, with which probabilities, which JSON object.

Strict, since an answer that has to be guessed is none. Pure: nothing here talks to a server.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agent.decisions import TokenUsage
from agent.errors import ReadingError

__all__ = ["checked_schema", "fits", "one_object", "picked_from", "probabilities_of", "usage_told"]

_LONGEST = 20_000  # characters of an answer that are looked at; a short one has dozens
_LOWEST = -1e9  # vLLM says -9999 for impossible; what is lower is a slip
_FLOOR = 1e-4  # no choice is impossible, only because a server names the twenty likeliest tokens
_DRESS = " \t\r\n\"'\u201c\u201d\u2018\u2019`*_()[].,:;!-"
_LEAD_IN = re.compile(r"(?:the )?(?:answer|choice)(?: is)?(?=[ :*\"'-])", re.IGNORECASE)

_BOUNDS = {
    "string": frozenset({"minLength", "maxLength"}),
    "number": frozenset({"minimum", "maximum"}),
    "integer": frozenset({"minimum", "maximum"}),
    "boolean": frozenset[str](),
}
_REMARKS = frozenset({"title", "description"})


def picked_from(text: str, choices: Sequence[str]) -> tuple[str | None, int]:
    """Which choice an answer is, and where in the answer it stands.

    It is one where the whole answer, or its first line with no other choice in a line of its own below it,
    is a choice in whatever dress: `B.`, `**B**`, `Answer: B`, `{"answer": "B"}`. A choice that occurs within
    a sentence is none.

    Returns:
        The choice and its offset in characters; None and 0 where it is none of them.
    """
    text = text[:_LONGEST]
    body = text.strip()
    if body in choices:
        return body, text.index(body)
    if (found := one_object(text)) is not None:
        answer = found.get("answer")
        opening = re.search(r"\"answer\"\s*:\s*\"", text)
        known = isinstance(answer, str) and answer in choices and opening is not None
        return (answer, opening.end()) if known and opening else (None, 0)
    lines = [line for line in re.finditer(r"[^\n]+", text) if line[0].strip()]
    named = [_whole(line[0], choices) for line in lines]
    if not named or named[0] is None or any(other and other[0] != named[0][0] for other in named):
        return None, 0
    return named[0][0], lines[0].start() + named[0][1]


def _whole(line: str, choices: Sequence[str]) -> tuple[str, int] | None:
    """The choice that a line consists of, and where in it the choice begins."""
    bare = line.rstrip(_DRESS)
    core = bare.lstrip(_DRESS)
    lead_in = _LEAD_IN.match(core)
    for said in (core, core[lead_in.end() :].lstrip(_DRESS)) if lead_in else (core,):
        for alike in (str, str.casefold):
            found = [choice for choice in choices if said and alike(choice.strip(_DRESS)) == alike(said)]
            if len(found) == 1:
                return found[0], len(bare) - len(said)
    return None


def probabilities_of(tokens: object, text: str, offset: int, choices: Sequence[str]) -> Mapping[str, float]:
    """The choices' probabilities, from the log-probabilities of the token at which they part.

    Alternatives that begin several choices are split evenly among them. Choices that no alternative begins
    share what the alternatives leave over, none of them getting more than the least likely alternative.

    Args:
        tokens: `logprobs.content` as the server sent it; anything else than a list counts as none.
        text: The answer.
        offset: Where in it the choice begins.
        choices: At least two.

    Returns:
        By choice, each above 0, summing to 1; empty where the tokens do not tell.
    """
    parted = _parting(tokens, text, offset, choices)
    if parted is None:
        return {}
    before, alternatives = parted
    seen = dict.fromkeys(choices, 0.0)
    for token, chance in alternatives.items():
        begun = _begun_by(before + _undressed(token, at_start=not before), choices)
        for choice in begun:
            seen[choice] += chance / len(begun)
    total = math.fsum(seen.values())
    if total <= 0:
        return {}
    unseen = [choice for choice in choices if seen[choice] == 0]
    left = max(0.0, 1 - math.fsum(alternatives.values()))
    share = min(left / len(unseen), *alternatives.values()) if unseen else 0.0
    raised = {choice: max((seen[choice] or share) / (total + share * len(unseen)), _FLOOR) for choice in choices}
    whole = math.fsum(raised.values())
    return {choice: value / whole for choice, value in raised.items()}


def _parting(
    tokens: object, text: str, offset: int, choices: Sequence[str]
) -> tuple[str, Mapping[str, float]] | None:
    """What of the choice was said before its parting token, and that token's alternatives with their chances."""
    if not isinstance(tokens, list) or not all(
        isinstance(token, dict) and isinstance(token.get("token"), str) for token in tokens
    ):
        return None
    said = "".join(token["token"] for token in tokens)
    begins = len(said) - len(said.lstrip())
    if not said[begins:].startswith(text.strip()):  # thoughts before it, or tokens that are no text
        return None
    place = begins + offset - (len(text) - len(text.lstrip()))
    start = 0
    for token in tokens:
        end = start + len(token["token"])
        if end > place:
            before = said[place:start] if start > place else ""
            chances = dict(_chances(token))
            own = _begun_by(before + _undressed(token["token"], at_start=not before), choices)
            if own and len(own) < len(choices):
                return before, chances
        start = end
    return None


def _chances(token: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    listed = token.get("top_logprobs")
    for entry in [*(listed if isinstance(listed, list) else ()), token]:
        if not isinstance(entry, dict):
            continue
        name, log = entry.get("token"), entry.get("logprob")
        if not isinstance(name, str) or not isinstance(log, int | float) or isinstance(log, bool):
            continue
        if _LOWEST <= log <= 0:
            yield name, math.exp(log)


def _undressed(token: str, *, at_start: bool) -> str:
    return token.lstrip(_DRESS) if at_start else token


def _begun_by(said: str, choices: Sequence[str]) -> list[str]:
    """The choices that an answer which begins with `said` can still be."""
    if not said:
        return []
    if begun := [choice for choice in choices if choice.startswith(said)]:
        return begun
    ended = [choice for choice in choices if re.fullmatch(rf"{re.escape(choice)}\W.*", said, re.DOTALL)]
    return [max(ended, key=len)] if ended else []


def one_object(text: str) -> dict[str, Any] | None:
    """The one JSON object in a text, whatever stands around it; None where there is none, or several.

    NaN, infinities and names that occur twice are no JSON.
    """
    text = text[:_LONGEST]
    decoder = json.JSONDecoder(object_pairs_hook=_no_name_twice, parse_constant=_no_constant)
    found: dict[str, Any] | None = None
    place = text.find("{")
    while place >= 0:
        try:
            value, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            return None  # a brace that opens nothing: cut off, or no JSON
        if found is not None:
            return None
        found, place = value, text.find("{", end)
    return found


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a name occurs twice")
    return dict(pairs)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def checked_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A flat JSON schema as every server takes it: an object without further names.

    Args:
        schema: `{"type": "object", "properties": {…}, "required": […]}`; each property is an `enum` of
            strings, numbers or booleans, or a `string` (with `maxLength`), `number`, `integer` or `boolean`,
            with `minLength`, `minimum` and `maximum` where wanted. What is not `required` may be left out.

    Raises:
        ReadingError: It says something else, so that an answer could not be checked.
    """
    properties, required = schema.get("properties"), schema.get("required", [])
    if schema.get("type") != "object" or not isinstance(properties, Mapping) or not properties:
        raise ReadingError("A schema to fill is an `object` with `properties`.")
    if unknown := {*schema} - {"type", "properties", "required", "additionalProperties"} - _REMARKS:
        raise ReadingError(f"A schema to fill has {sorted(unknown)}, which is not checked. Leave it out.")
    if unknown := {*required} - {*properties}:
        raise ReadingError(f"A schema to fill requires {sorted(unknown)}, which are not among its properties.")
    for name, rule in properties.items():
        _check_rule(name, rule)
    return {**schema, "required": list(required), "additionalProperties": False}


def _check_rule(name: str, rule: Mapping[str, Any]) -> None:
    kind = rule.get("type")
    if "enum" in rule:
        if not rule["enum"] or not all(isinstance(each, str | int | float) for each in rule["enum"]):
            raise ReadingError(f"Property {name!r} needs strings, numbers or booleans in its `enum`.")
        unknown = {*rule} - {"type", "enum"} - _REMARKS
    elif kind not in _BOUNDS:
        raise ReadingError(f"Property {name!r} is of type {kind!r}. Choices: {', '.join(_BOUNDS)}, or an `enum`.")
    elif kind == "string" and "maxLength" not in rule:
        raise ReadingError(f"Property {name!r} needs a `maxLength`: some models never end a string.")
    else:
        unknown = {*rule} - {"type"} - _BOUNDS[kind] - _REMARKS
    if unknown:
        raise ReadingError(f"Property {name!r} has {sorted(unknown)}, which is not checked. Leave it out.")


def fits(value: Mapping[str, Any], schema: Mapping[str, Any]) -> bool:
    """Whether an object keeps to a schema from `checked_schema`."""
    properties = schema["properties"]
    if {*value} - {*properties} or {*schema["required"]} - {*value}:
        return False
    return all(_keeps(value[name], properties[name]) for name in value)


def _keeps(value: object, rule: Mapping[str, Any]) -> bool:
    if "enum" in rule:
        return any(value == allowed and type(value) is type(allowed) for allowed in rule["enum"])
    match rule["type"]:
        case "boolean":
            return isinstance(value, bool)
        case "string":
            return isinstance(value, str) and rule.get("minLength", 0) <= len(value) <= rule["maxLength"]
        case kind:
            numbers = int if kind == "integer" else int | float
            if isinstance(value, bool) or not isinstance(value, numbers) or not _finite(value):
                return False
            return bool(rule.get("minimum", -math.inf) <= value <= rule.get("maximum", math.inf))


def _finite(value: float) -> bool:
    return isinstance(value, int) or math.isfinite(value)  # JSON's 1e999 is read as infinity


def usage_told(said: object) -> TokenUsage | None:
    """Tokens as a server of OpenAI's API counts them; None where it does not."""
    counts = said.get("usage") if isinstance(said, dict) else None
    told = counts if isinstance(counts, dict) else {}
    prompt, completion = told.get("prompt_tokens"), told.get("completion_tokens")
    if isinstance(prompt, int) and isinstance(completion, int) and prompt > 0 and completion > 0:
        return TokenUsage(prompt, completion)
    return None
