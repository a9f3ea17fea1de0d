"""What fits, what goes, and that it is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from agent.decisions import Prompt
from agent.errors import SettingsError
from agent.options import Options
from agent.readings import CausalSpan, CauseReading
from agent.second_look import Exemplar, ExemplarReading
from agent.turn import Message, Turn
from prompts.composer import SectionComposer, create
from tests.prompts.parts import PERSONA, PLACES, STATE, a_turn, contents, full, notes_in, roles, said

OTHERS = ExemplarReading(tuple(Exemplar(f"Other {n} " + "a " * 40, "Reply.", {"sad": 1.0}, 0.5) for n in range(3)))


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer for which every word and every sign is one token."""
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))  # noqa: S106 - no password
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    path = tmp_path_factory.mktemp("words") / "tokenizer.json"
    tokenizer.save(str(path))
    return path


def tokens(prompt: Prompt, tokenizer: Path) -> int:
    """As a server with ChatML counts them: five around each message, three to open the reply."""
    counter = Tokenizer.from_file(str(tokenizer))
    return 3 + sum(5 + len(counter.encode(message.content).ids) for message in prompt.messages)


def least(words: Path) -> int:
    """Tokens of a context in which persona, rules and one short message just fit, with a reply of 50."""
    return len(Tokenizer.from_file(str(words)).encode(PERSONA).ids) + 50 + 250


def long_ago(messages: int, strategy: str | None = "question") -> tuple[Message, ...]:
    return tuple(
        Message("supporter", f"Reply {place} " + "b " * 20, strategy)
        if place % 2
        else Message("seeker", f"Said {place} " + "a " * 20)
        for place in range(messages)
    )


# --- nothing overflows ---------------------------------------------------------------------------

LENGTHS = st.lists(st.integers(1, 400), max_size=14)


@pytest.mark.parametrize("place", PLACES)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lengths=LENGTHS,
    now=st.integers(1, 1500),
    above=st.integers(0, 3000),
    variant=st.sampled_from(["plain", "hef+strategy", "hef+strategy+exemplars"]),
)
def test_that_prompt_and_reply_fit_into_the_context(*, words, place, lengths, now, above, variant) -> None:
    history = tuple(
        Message("supporter" if place % 3 == 1 else "seeker", "<s> word " * length, "question", place % 6 == 1)
        for place, length in enumerate(lengths)
    )
    turn = replace(full("rain " * now, history), exemplars=OTHERS, options=Options(variant))
    spans = [CausalSpan(n, 0, 8, "<s> word", 0.9) for n, message in enumerate(history) if message.role == "seeker"]
    turn = replace(turn, cause=CauseReading(tuple(spans[-3:])))
    about_the_team = 60 if any(message.human for message in history) else 0  # a note more
    context = least(words) + about_the_team + above
    prompt = SectionComposer(notes=place, tokenizer=words, reply_tokens=50, context=context).compose(turn)
    assert tokens(prompt, words) + 50 <= context
    assert prompt.messages[0].content.startswith(PERSONA)
    assert roles(prompt)[-1] == "user"
    kept = [message.text for message in history[prompt.dropped :]]
    assert len(kept) == len(history) - prompt.dropped
    if prompt.dropped:
        assert f"first {prompt.dropped} messages" in notes_in(prompt) or "first message of" in notes_in(prompt)


def test_that_the_newest_whole_messages_are_kept_and_as_many_as_fit(words) -> None:
    history = long_ago(40)
    composer = SectionComposer(tokenizer=words, reply_tokens=50, context=least(words) + 600)
    turn = a_turn("Now.", history)
    prompt = composer.compose(turn)
    assert 0 < prompt.dropped < 40
    kept = [message.content for message in prompt.messages if message.role != "system"]
    assert kept == [*(message.text for message in history[prompt.dropped :]), "Now."]
    more = tokens(prompt, words) + sum(23 + 5 for _ in range(2))  # one exchange more
    assert more + 50 > least(words) + 600 - 200, "no more than the template's margin lies idle"


def test_that_the_smaller_one_of_two_contexts_holds(words) -> None:
    turn = a_turn("Now.", long_ago(60))

    def dropped(made: int | None, served: int | None) -> int:
        composer = SectionComposer(tokenizer=words, reply_tokens=50, context=made, max_history_characters=10**6)
        return composer.compose(replace(turn, context_tokens=served)).dropped

    small = least(words) + 500
    assert dropped(small, None) == dropped(None, small) == dropped(small, 100_000) == dropped(100_000, small) > 0
    assert dropped(None, None) == dropped(100_000, 100_000) == 0


def test_that_a_longer_reply_leaves_less_history_and_never_takes_more_than_half(words) -> None:
    def dropped(reply: int) -> int:
        composer = SectionComposer(tokenizer=words, reply_tokens=reply, context=2 * least(words))
        return composer.compose(a_turn("Now.", long_ago(60))).dropped

    assert dropped(50) < dropped(200)
    assert dropped(least(words)) == dropped(10**6)


def test_that_characters_count_where_no_context_is_known() -> None:
    composer = SectionComposer(max_history_characters=100)
    assert composer.compose(a_turn("Now.", long_ago(4))).dropped == 2
    assert composer.compose(a_turn("Now.", long_ago(4), context_tokens=100_000)).dropped == 0


# --- in which order ------------------------------------------------------------------------------


def everything(now: str = "Now.", messages: int = 4) -> Turn:
    return replace(full(now, long_ago(messages)), exemplars=OTHERS, options=Options("hef+strategy+exemplars"))


def room_for(words: Path, turn: Turn) -> int:
    """The least context in which the whole turn fits."""
    prompt = SectionComposer(tokenizer=words, reply_tokens=50).compose(turn)
    return tokens(prompt, words) + 50 + 150


def test_that_examples_go_first_the_least_similar_one_before_the_others(words) -> None:
    turn = everything()
    shown, cut = [], False
    for context in range(room_for(words, turn), room_for(words, turn) - 600, -20):
        prompt = SectionComposer(tokenizer=words, reply_tokens=50, context=context).compose(turn)
        others = [text.split()[1] for text in contents(prompt) if text.startswith("Other")]
        shown.append(others)
        assert not (others and prompt.dropped)
        cut = cut or (prompt.dropped > 0 and "- Emotion" in notes_in(prompt))
        assert ("other people" in notes_in(prompt)) == bool(others)
        assert f"The first {len(others)} user messages" in notes_in(prompt) or len(others) < 2
    assert [others for place, others in enumerate(shown) if others not in shown[:place]] == [
        ["0", "1", "2"],
        ["0", "1"],
        ["0"],
        [],
    ]
    assert cut, "then history goes, before the readings do"


def test_that_the_notes_are_shortened_only_where_the_message_would_not_fit_otherwise(words) -> None:
    turn = everything("rain " * 400)
    seen = []
    for context in range(least(words) + 1200, least(words) + 300, -25):
        prompt = SectionComposer(tokenizer=words, reply_tokens=50, context=context).compose(turn)
        notes = notes_in(prompt)
        whole = prompt.messages[-1].content.replace("⟦", "").replace("⟧", "") == turn.text
        seen.append(("- Emotion" in notes, "- Strategy for" in notes, whole))
    states = [state for place, state in enumerate(seen) if state not in seen[:place]]
    assert states[:3] == [(True, True, True), (False, True, True), (False, False, True)]
    assert all(not whole for _, _, whole in states[3:])


def test_that_a_message_too_long_by_itself_is_cut_in_its_middle_and_that_is_told(words) -> None:
    text = " ".join(f"w{number}" for number in range(5000))
    turn = everything(text)
    prompt = SectionComposer(tokenizer=words, reply_tokens=50, context=least(words) + 1500).compose(turn)
    shown = prompt.messages[-1].content
    head, tail = shown.split("\n[…]\n")
    assert text.startswith(head)
    assert text.endswith(tail)
    assert abs(len(head) - len(tail)) <= 1
    missing = len(text) - len(head) - len(tail)
    assert f"about {missing} characters of its middle are left out at […]" in notes_in(prompt)
    assert len(shown.split()) > 800, "what fits is shown"
    assert "- Strategy for" in notes_in(prompt)
    assert turn.text == text
    assert prompt.dropped == 4


def test_that_marks_stay_right_in_the_ends_of_a_cut_message(words) -> None:
    text = " ".join(f"w{number}" for number in range(3000))
    end = len(text)
    middle = text.index("w1500")
    spans = (
        CausalSpan(0, 0, 2, "w0", 0.9),
        CausalSpan(0, middle, middle + 5, "w1500", 0.9),
        CausalSpan(0, end - 5, end, "w2999", 0.9),
    )
    turn = a_turn(text, cause=CauseReading(spans))
    prompt = SectionComposer(tokenizer=words, reply_tokens=50, context=least(words) + 900).compose(turn)
    shown = prompt.messages[-1].content
    assert shown.startswith("⟦w0⟧ w1 ")
    assert shown.endswith(" w2998 ⟦w2999⟧")
    assert shown.count("⟦") == 2


def test_that_a_context_too_small_for_the_rules_is_refused_with_the_way_out(words) -> None:
    with pytest.raises(
        SettingsError, match=r"does not fit.*HEARTLINE_LLM_CONTEXT.*HEARTLINE_LLM_MAX_TOKENS"
    ) as refused:
        SectionComposer(tokenizer=words, context=256).compose(a_turn("It rained in."))
    assert "rained" not in str(refused.value)


# --- and it is told ------------------------------------------------------------------------------


def test_that_what_was_left_out_is_told_in_typed_values() -> None:
    state = replace(STATE, label_set="e", climate={"sadness": 0.6, "fear": 0.3, "joy": 0.1})
    turn = replace(
        full("Now.", (*long_ago(6), Message("seeker", "Hm."), Message("supporter", "Yes.", "question"))),
        state=state,
    )
    prompt = SectionComposer(max_history_characters=10).compose(turn)
    assert prompt.dropped == 6
    line = "- The first 6 messages of the conversation are left out here. Do not guess what was said there."
    told = f"{line} The mood lately: sadness (0.60), fear (0.30), joy (0.10). Strategies used there: question 3."
    assert told in notes_in(prompt)
    labels = SectionComposer(max_history_characters=10, variant="labels").compose(turn)
    assert f"{line} The mood lately: sadness (0.60), fear (0.30), joy (0.10).\n" in notes_in(labels)
    plain = SectionComposer(max_history_characters=10, variant="plain").compose(turn)
    assert notes_in(plain).splitlines()[1:] == [line]
    assert "left out" not in notes_in(SectionComposer().compose(turn))


def test_that_a_strategy_that_the_planner_does_not_know_is_not_repeated() -> None:
    prompt = SectionComposer(max_history_characters=0).compose(full("Now.", long_ago(4, "obey the person")))
    assert prompt.dropped == 4
    assert "obey" not in notes_in(prompt)


def test_that_turns_which_the_store_no_longer_recalls_are_told_too() -> None:
    notes = notes_in(SectionComposer().compose(replace(a_turn("Now.", said("One.", "Two.")), index=5)))
    assert "- The conversation is longer than what you see: 4 earlier exchanges are not remembered." in notes
    assert not notes_in(SectionComposer().compose(replace(a_turn("Now.", said("One.", "Two.")), index=1)))


def test_that_the_settings_give_context_reply_and_tokenizer(words) -> None:
    made = SimpleNamespace(llm_context=least(words) + 600, llm_max_tokens=50, llm_tokenizer=words)
    same = SectionComposer(tokenizer=words, reply_tokens=50, context=least(words) + 600)
    turn = a_turn("Now.", long_ago(40))
    assert create(made).compose(turn) == same.compose(turn)
    assert create(SimpleNamespace(llm_context=2000, llm_max_tokens=None)).reply_tokens == 400
