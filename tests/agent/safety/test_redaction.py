"""Personal data goes, the words that carry emotion and cause stay, wherever in a text or a turn they stand."""

from __future__ import annotations

import string
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.safety.personal_forms import KINDS
from agent.safety.redaction import redact, redacted

FEELINGS = (
    "I've been awake since 3:30 and my head won't stop.",
    "It is 24/7 with him, there is no rest.",
    "We were together for 10 years, 3 months and 12 days.",
    "She left me on 14/02/2023 and I still check my phone.",
    "I owe them 25 000 euros and I don't know how to tell my wife.",
    "I lost 1000000 dollars and the house, it was all my fault.",
    "My mom NEVER listens to me, she just shouts.",
    "My Sister Hates Me And I Don't Know Why.",
    "Call me crazy, but I still love him.",
    "Please call me back tomorrow, I can't be alone tonight.",
    "They call me names at school every single day.",
    "I am called lazy by my father whenever I rest.",
    "My name is on that list and I feel sick with shame.",
    "My name is mud in this family now.",
    "This is what hurts the most: nobody asked.",
    "This is hard for me to say.",
    "My friend told me that I am too much.",
    "My brother and I don't speak any more.",
    "My dad, who never cried, cried at the funeral.",
    "I told my mom Monday that I quit, and she hung up.",
    "My ex texted at 2 am and now I can't stop shaking.",
    "I was born in the wrong family, I swear.",
    "My birthday was on Friday and no one came.",
    "Since 2019 I have felt nothing, and 2020 made it worse.",
    "The years 2019-2020 were the worst of my life.",
    "He hit me 3 times, then 4, then I stopped counting.",
    "I count 1 2 3 4 5 6 7 8 9 10 to calm down, and it doesn't help.",
    "I weigh 48 kg and I still feel huge.",
    "On a scale of 1-10 I am at a 2.",
    "My therapist says it's grief, but it feels like drowning.",
    "Mr. Right turned out to be a liar.",
    "I miss you, mum. I miss you so much.",
    "I Miss You So Much It Hurts.",
    "God, I am so tired of pretending.",
    "My doctor said that I should rest. How, with two kids?",
    "I got an F on the exam and I want to disappear from the room.",
    "I'm so proud of her, she finally did it!!!",
    "We won 3-2 and I cried like a child.",
    "I walked 10 000 steps today, and for once I was calm.",
    "It's a 2 hour drive to see him in the hospital.",
    "I live at my parents' place and feel like a failure.",
    "There are 4 lane roads everywhere and I panic when I drive.",
    "I haven't slept for 72 hours. Everything is loud.",
    "My best friend and I had a huge fight about nothing.",
    "my boss said i was useless in front of everyone",
    "i feel like a burden to my husband",
    "I can't do this anymore. It's been 365 days.",
    "What if I fail again? What if they all laugh?",
    "He promised. He always promises @ Christmas and at Easter.",
    "So done with everything :( :: nobody cares <3",
    "I hate this :D lol, no I don't, I'm scared",
    "At work I smile; at home I fall apart.",
    "I look at facebook all night and feel worse.",
    "It was 1500 - 2000 calories a day and I still felt guilty.",
    "The 9/11 footage still makes me cry.",
    "Happy doesn't even cover it, I'm over the moon!",
    "My grandpa's chair is empty and the house is so quiet.",
    "Her name was the last thing he said.",
    "I finally told my parents. They hugged me.",
    "i'm fine. it's whatever.",
    "Nobody at school knows my name and it hurts.",
    "I'm 16 and I feel 60.",
    "We moved to a new street and I know no one.",
    "My daughter called Saturday, and I cried with joy.",
    "No. 1 reason I stay: my kids.",
    "I regret everything. Yours is the only voice that helps.",
    "A guy called again and again until I blocked him.",
    "I passed!!! 100%!!! I can't believe it!",
    "My cat died and people say it was only a cat.",
    "Hi, I'm new here and a bit nervous.",
)


@pytest.mark.parametrize("text", FEELINGS)
def test_that_what_somebody_feels_is_left_untouched(text: str):
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Write to jo.doe+x@mail.example.co.uk, please.", "Write to [email], please."),
        ("it is jo at example dot com", "it is [email]"),
        ("jo (at) example.org works", "[email] works"),
        ("Call +49 151 23456789 tonight", "Call [phone] tonight"),
        ("Call (555) 123-4567.", "Call [phone]."),
        ("my number is 07700 900123 and I'm alone", "my number is [phone] and I'm alone"),
        ("tel:5551234567", "tel:[phone]"),
        ("06 12 34 56 78", "[phone]"),
        ("(0151 23456789)", "([phone])"),
        ("On 12/03/2021 I called 555-123-4567 twice", "On 12/03/2021 I called [phone] twice"),
        ("555-123-4567 12/03/2021", "[phone] 12/03/2021"),
        ("\uff0b\uff14\uff19 \uff11\uff15\uff11 2345\u200b6789 now", "[phone] now"),
        ("I paid with 4111 1111 1111 1111 and cried", "I paid with [card] and cried"),
        ("in 2019 5500-0000-0000-0004", "in 2019 [card]"),
        ("DE89 3704 0044 0532 0130 00 is mine", "[iban] is mine"),
        ("GB29NWBK60161331926819.", "[iban]."),
        ("from 192.168.10.24 again", "from [ip] again"),
        ("fe80::1ff:fe23:4567:890a", "[ip]"),
        ("see https://example.org/a?b=c, it's me", "see [url], it's me"),
        ("my page is www.example.de/me!", "my page is [url]!"),
        ("on example.com/jo. I hate it", "on [url]. I hate it"),
        ("I live at 12 Elm Street, Springfield, IL 62704 and hate it", "I live at [address] and hate it"),
        ("I live at 12 elm street with mum", "I live at [address] with mum"),
        ("Hauptstraße 12a, dritter Stock", "[address], dritter Stock"),
        ("PO Box 1234 is all I have", "[address] is all I have"),
        ("near SW1A 1AA somewhere", "near [address] somewhere"),
        ("I was born on March 3rd, 1990 in a storm", "I was born on [date of birth] in a storm"),
        ("DOB: 03/03/1990", "DOB: [date of birth]"),
        ("my passport number is C01X00T47, they lost it", "my passport number is [id number], they lost it"),
        ("SSN 123-45-6789", "SSN [id number]"),
        ("1234567890123456789012", "[id number]"),
        ("QQ 12 34 56 C", "QQ 12 34 56 C"),  # no prefix that was ever given out
        ("AB 12 34 56 C", "[id number]"),
        ("My name is Anna Maria Schmidt and I'm lost", "My name is [name] and I'm lost"),
        ("my name's anna and i feel small", "my name's [name] and i feel small"),
        ("MY NAME IS ANNA AND I AM SO ALONE", "MY NAME IS [name] AND I AM SO ALONE"),
        ("I'm called Tomasz.", "I'm called [name]."),
        ("this is Ben speaking, help", "this is [name] speaking, help"),
        ("Hi, I'm Jo. I lost my job.", "Hi, I'm [name]. I lost my job."),
        ("Dr. van der Berg said no", "Dr. [name] said no"),
        ("Mrs. O'Brien and Mr Lee laughed at me", "Mrs. [name] and Mr [name] laughed at me"),
        ("My little sister Anna's voice", "My little sister [name]'s voice"),
        ("I told my boss, Karen, that I quit", "I told my boss, [name], that I quit"),
        ("a guy named Rick Stone hit me", "a guy named [name] hit me"),
        ("Her name was Zoë.", "Her name was [name]."),
        ("I feel empty.\nRegards,\nAnna", "I feel empty.\nRegards,\n[name]"),
    ],
    ids=str,
)  # fmt: skip
def test_that_personal_data_is_replaced_and_the_rest_stays(text: str, expected: str):
    assert redact(text) == expected
    assert redact(expected) == expected


FRAMES = st.sampled_from(
    ("{}", "{}.", "({})", "Call {} please", "I cried at {} all night", "[name] {}", "{}, and I hate it", "x:{}", "«{}»")
) | st.tuples(
    st.text(st.characters(exclude_characters="{}", exclude_categories=("Nd", "Cs", "Cf")), max_size=12),
    st.text(st.characters(exclude_characters="{}", exclude_categories=("Nd", "Cs", "Cf")), max_size=12),
).map(lambda ends: f"{ends[0]} {{}} {ends[1]}")  # fmt: skip


def grouped(pattern: str) -> st.SearchStrategy[str]:
    return st.from_regex(pattern, fullmatch=True)


PHONES = st.one_of(
    grouped(r"\+[1-9][0-9]{0,2} [0-9]{2,4} [0-9]{3,8}"),
    grouped(r"\([0-9]{3}\) ?[0-9]{3}-[0-9]{4}"),
    grouped(r"[0-9]{3}-[0-9]{3}-[0-9]{4}"),
    grouped(r"[0-9]{3}\.[0-9]{3}\.[0-9]{4}"),
    grouped(r"0[0-9]{3,4} [0-9]{6,8}"),
    grouped(r"0[1-9](?: [0-9]{2}){4}"),
    grouped(r"[1-9][0-9]{9}"),
).filter(lambda phone: sum(map(str.isdigit, phone)) >= 7)  # fewer are a short code, as those of help lines


@st.composite
def cards(draw: st.DrawFn) -> str:
    length = draw(st.sampled_from((13, 15, 16, 19)))
    body = draw(st.sampled_from("3456")) + draw(st.text(string.digits, min_size=length - 2, max_size=length - 2))
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(body))]
    digits = body + str(-sum(value - 9 * (value > 9) for value in doubled) % 10)
    between = draw(st.sampled_from(("", " ", "-")))
    return between.join(digits[place : place + 4] for place in range(0, length, 4))


@settings(max_examples=300)
@given(planted=st.emails() | PHONES | cards(), frame=FRAMES)
def test_that_no_planted_address_number_or_card_survives_in_any_frame(planted: str, frame: str):
    found = redact(frame.format(planted))
    assert planted not in found
    assert any(f"[{kind}]" in found for kind in KINDS)
    assert redact(found) == found


PIECES = st.lists(
    st.sampled_from(
        ("my name is ", "Anna", "My sister ", "Dr. ", "a@b.cc", "@", ".com", "+49 151", "555", "-", " ", "4111 1111", "1",
         "[name]", "[", "]", "born on ", "12/03/1990", "12 Elm Street", ", IL 62704", "DE89", "https://", "id number ", "é",
         "\u200b", "::1", "10.0.0.1", "I", "\n", "this is ", " speaking", "NY 10001")
    )
    | st.text(max_size=4),
    max_size=14,
).map("".join)  # fmt: skip


@settings(max_examples=300)
@given(PIECES)
def test_that_redacting_twice_changes_nothing_more(text: str):
    once = redact(text)
    assert redact(once) == once


@settings(max_examples=300)
@given(PIECES)
def test_that_all_but_what_was_found_stands_as_it_was(text: str):
    done = redacted(text)
    place, rebuilt = 0, ""
    for start, end, kind in done.found:
        assert place <= start < end <= len(text)
        rebuilt += text[place:start] + f"[{kind}]"
        place = end
    assert rebuilt + text[place:] == done.text


@given(st.sampled_from(FEELINGS), st.sampled_from(FEELINGS))
def test_that_feelings_stay_beside_what_is_taken_out(before: str, after: str):
    text = f"{before}\nMy name is Quillon. {after}\nWrite to q@example.org."
    assert redact(text) == f"{before}\nMy name is [name]. {after}\nWrite to [email]."


@given(PIECES, st.data())
def test_that_words_are_found_again_where_they_were_moved_to(text: str, data: st.DataObject):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    done = redacted(text)
    moved = done.moved(start, end)
    if moved is None:
        return
    begin, stop = moved
    assert 0 <= begin < stop <= len(done.text)
    if not any(a < end and start < b for a, b, _ in done.found):
        assert done.text[begin:stop] == text[start:end]


def test_that_words_cut_in_two_by_a_placeholder_take_all_of_it():
    text = "My sister Anna Schmidt hates me."
    done = redacted(text)
    assert done.text == "My sister [name] hates me."
    for words, expected in (
        ("sister Anna", "sister [name]"),
        ("Schmidt hates me", "[name] hates me"),
        ("hates me", "hates me"),
        ("My sister", "My sister"),
    ):
        begin, stop = done.moved(text.index(words), text.index(words) + len(words)) or (0, 0)
        assert done.text[begin:stop] == expected
    assert done.moved(text.index("Anna"), text.index(" hates")) is None


def test_that_numbers_of_help_lines_stay_however_they_are_written():
    public = ("0800 111 0 111", "https://example.org/help")
    text = "Ring 0800-1110111 or see https://example.org/help. Ring me: 0151 23456789."
    assert redact(text, public=public) == "Ring 0800-1110111 or see https://example.org/help. Ring me: [phone]."


@pytest.mark.parametrize(
    "hostile",
    ["a", "1", "1 ", "12-", "(", "+1", "a@", "a.", "a@b.cc ", "1:", "My sister A", "my sister Anna ", "DE89 ", "born on ",
     "id number ", "12 Main ", "1\u200b", "é1", "http://", "a at b dot ", "4111 1111 1111 1111 ", "A. ", "hi, ", "[name"],
)  # fmt: skip
def test_that_time_grows_with_the_length_and_no_faster(hostile: str):
    """A pattern that turns back would take a hundred times as long for ten times the text, or never end."""

    def seconds(length: int) -> float:
        text = (hostile * length)[:length]
        taken = []
        for _ in range(3):
            started = time.process_time()
            redact(text)
            taken.append(time.process_time() - started)
        return min(taken)

    redact(hostile)
    assert seconds(30_000) < 40 * max(seconds(3_000), 0.001)


def test_that_a_placeholder_is_left_alone():
    for kind in KINDS:
        assert redact(f"my [{kind}] [{kind}]") == f"my [{kind}] [{kind}]"
