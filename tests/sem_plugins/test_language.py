from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import WeightsError
from sem_plugins import language
from sem_plugins.language import readability, trust

ENGLISH = (
    "I have been crying since he left.",
    "idk wat 2 do im so sad rn",
    "I CANT TAKE THIS ANYMORE, EVERYTHING IS RUINED",
    "cant sleep again smh, gonna b a long nite",
    "sooooo tiredddd of everythinggg omg",
    "everythng is fallng apart and i dont no why",
    "y’all won’t believe it: she’s moving back home!",
    "my naïve fiancé left me at the café",
    "Rajesh Kumar and Nguyen Thi Mai are my best friends",
    "I miss Giuseppe and our flat in Reykjavik so much",
    "my code won't compile and the function foo() returns null, I feel so stupid",
    "I love you; you know that. (Do you?) :)",
    "no sleep + no food = bad day for me",
    "look at https://example.org/zzqx/kjhgf it made me cry",
    "@svenja_k that was so kind of you #dankbarkeit",
    "my doctor put me on sertraline and I feel numb",
)

OTHER_LANGUAGES = (
    "Mir geht es heute gar nicht gut",
    "total kaputt und keiner fragt nach",
    "Je me sens vraiment seul ces derniers temps",
    "no puedo dormir desde hace una semana",
    "sono stanca di litigare con mia madre",
    "estou com medo da prova de amanhã",
    "mijn baas schreeuwt de hele tijd tegen mij",
    "ingen förstår mig hemma",
    "nie moge spac od kilku dni",
    "Bugün kendimi çok kötü hissediyorum",
    "tidak ada yang mengerti aku di rumah",
    "Мне сегодня очень плохо",
    "تركني صديقي أمس",
    "आज मुझे बहुत बुरा लग रहा है",
    "我不知道该怎么办",
    "昨日彼氏に振られました",
    "Minulla on tänään tosi paha olo",  # the word lists know nothing of these four
    "Dneska se cítím hrozně",
    "siwezi kulala usiku",
    "mujhe aaj bahut bura lag raha tha",
)

CODE = (
    "for i in range(10):\n    print(i)",
    "if (x == null) { return; }",
    "SELECT name, age FROM users WHERE age > 30;",
    "const sum = numbers.reduce((a, b) => a + b, 0);",
    '{"name": "ann", "tags": ["a", "b"]}',
    '<div class="box"><p>hi</p></div>',
    'git commit -m "fix" && git push origin main',
    "Traceback (most recent call last):\n  File \"app.py\", line 3, in <module>\nKeyError: 'name'",
    "```\nstep one\nstep two\n```",
)

MASHED = ("asdfghjkl", "asdf asdf asdf", "jkhsdf sdkfjh skdjfh", "fghfghfgh", "poiupoiu lkjhlkjh", "DFKJGHDKFJGH")


@pytest.mark.parametrize("text", ENGLISH)
def test_that_english_is_recognised_through_slang_typos_names_and_addresses(text: str):
    reading = readability(text)
    assert reading.kind == "english"
    assert reading.english >= 0.5
    assert trust(text) == 1


@pytest.mark.parametrize("text", OTHER_LANGUAGES)
def test_that_other_languages_are_recognised_and_hardly_trusted(text: str):
    assert readability(text).kind == "other language"
    assert trust(text) < 0.5


@pytest.mark.parametrize("text", CODE)
def test_that_code_is_recognised_and_not_trusted(text: str):
    assert readability(text).kind == "code"
    assert trust(text) == 0


@pytest.mark.parametrize("text", MASHED)
def test_that_keyboard_mash_is_unreadable(text: str):
    assert readability(text).kind == "unreadable"
    assert trust(text) < 0.2


@pytest.mark.parametrize(
    "text", ["", "  ", "42", "...", "😭😭😭", ":(", "ಠ_ಠ", "¯\\_(ツ)_/¯", "no", "Krzysztof", "hahahaha"]
)
def test_that_what_says_nothing_is_too_short_to_tell_and_fully_trusted(text: str):
    reading = readability(text)
    assert (reading.kind, reading.english) == ("too short to tell", 1)
    assert trust(text) == 1


@pytest.mark.parametrize("text", ["ok", "thx", "I'm sad", "burnt out", "my dog died", "hi;"])
def test_that_a_few_english_words_are_english_beyond_doubt(text: str):
    reading = readability(text)
    assert (reading.kind, reading.english) == ("english", 1)


@pytest.mark.parametrize("text", ["你好", "привет", "ich auch", "je sais"])
def test_that_a_few_words_suffice_where_they_can_be_of_another_language_only(text: str):
    assert readability(text).kind == "other language"


@pytest.mark.parametrize(
    "text",
    [
        "Hola, I am so sad today, mi novio left me",
        "Ich weiß nicht, I just feel empty",
        "yaar I am so tired of this kaam",
    ],
)
def test_that_a_mixed_message_lies_between_the_languages(text: str):
    assert 0.2 < readability(text).english < 0.9


def test_that_more_of_another_language_means_less_trust():
    messages = (
        "I feel so alone today and my friends are away",
        "I feel so alone today y mis amigos no están",
        "me siento tan sola today y mis amigos no están",
    )
    sure = [readability(text).english for text in messages]
    assert sure == sorted(sure, reverse=True)
    assert trust(messages[0]) == 1 > trust(messages[2])


def test_that_prose_around_code_counts_and_the_code_does_not():
    code = "\n```\nfrobnicate(qux_zzyx)\n```\n"
    assert readability(f"help, this fails:{code}I was at it all night and I feel stupid").kind == "english"
    much = readability("it fails:" + 5 * code)
    assert much.kind == "code"
    assert 0 < much.english < 0.5


def test_that_words_in_plain_prose_are_no_code_because_a_keyword_is_among_them():
    for text in (
        "import duties make me furious",
        "return to work after leave is hard",
        "from me to you with love",
    ):
        assert readability(text).kind == "english"


def test_that_a_long_message_is_judged_by_its_end():
    german, english = "Ich weiß nicht, was ich machen soll. " * 40, "I do not know what I should do now. " * 40
    assert readability(german + english).kind == "english"
    assert readability(english + german).kind == "other language"


def test_that_decomposed_accents_read_like_composed_ones():
    composed = "Dneska se cítím hrozně a nevím proč"
    assert readability("Dneska se ci\u0301ti\u0301m hrozne\u030c a nevi\u0301m proc\u030c") == readability(
        composed
    )


@given(st.text(st.characters(), max_size=300))
def test_that_any_text_has_a_readability_and_a_trust_in_range(text: str):
    reading = readability(text)
    assert 0 <= reading.english <= 1
    assert reading.english >= 0.5 or reading.kind not in {"english", "too short to tell"}
    assert reading.english <= trust(text) <= 1


@pytest.fixture
def nothing_remembered() -> Iterator[None]:
    language._knowledge.cache_clear()
    yield
    language._knowledge.cache_clear()


@pytest.mark.usefixtures("nothing_remembered")
def test_that_a_missing_vocabulary_is_named_with_the_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(language, "SHIPPED", tmp_path)
    with pytest.raises(WeightsError, match=r"tokenizer\.json.*Reinstall"):
        readability("a message whose words must be looked up")


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "most"),
    [("empathetic_dialogues", 0.001), ("esconv", 0.001), ("goemotions", 0.005), ("se_emotions", 0.005)],
)
def test_that_english_is_hardly_ever_taken_for_something_else(
    data_folder: Callable[[str], Path], name: str, most: float
):
    with (data_folder(name) / "valid.jsonl").open(encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    texts = [turn["text"] for record in records for turn in record.get("turns", [record])]
    long_enough = [text for text in texts if len(text.split()) >= 4]
    wrong = [text for text in long_enough if readability(text).kind not in {"english", "too short to tell"}]
    assert len(wrong) <= most * len(long_enough)
