"""What a message says as an answer to a safety question: yes, no, an evasion, help, a denial, or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.safety.answered import QUESTIONS, answer_to, answers, denies, misread, speaks_of_death


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().split("|")]


ANY_YES = lines("""
yes | Yeah. | yep, every day | sometimes | kind of | a little | idk | I don't know | not sure | maybe | I guess so
| often, at night | I do | yes but I won't | well, yes | honestly yes | I might | all the time | lately, yes | y
| on and off | Sort of | possibly | not sure, to be honest | I think so | Yes I am | most days | always | perhaps
| I suppose | it's hard to say | I have been, yes | at times | now and then | most nights | Dunno | um, yes | ya | uh huh
| Not exactly, but kind of | Mhm | I've thought about it | more than I'd like | hmm yeah | Of course | every night
| unfortunately yes | definitely | a lot | ok yes | yes, but I'm okay | no, but sometimes I do | No... yes | no idea
""")
EVASIONS = lines("""
why do you care | can we not talk about that | I'd rather not say | I don't want to talk about it | rather not
| does it even matter | what if I do | next question | I don't know what to say | can we talk about something else
""")
ANY_NO = lines("""
no | No. | nope | not at all | never | no, nothing like that | I'm not | I haven't | nah | not really | I don't
| oh god no | no no | well, no | I'm fine | I am okay | not anymore | I'm safe | God, no | I would never | ok no
| of course not | absolutely not | definitely not | I don't think so | Not right now | no way | I'm not suicidal
| never have | nothing like that | no, but my sister did once | No, and I don't want to talk about it
| My sister got married on Saturday. | What is the weather like? | The bus was late. | Tell me a story.
| my boss shouted at me | it rained | No one told me about the meeting. | no matter, thanks
""")
OWN_YES = {
    "thoughts": lines("It crosses my mind | it does cross my mind | I have thought about it a lot"),
    "plan": lines("tonight | tomorrow | I know how | I've picked a day | I have a plan | I've written letters"),
    "others": lines("""
        very close | pretty close | tonight | when he comes home | as soon as she's back | I'm going to do it
        | I mean it | he deserves it | she had it coming | I would if I could get away with it | I'd do it tonight
        | I will | a knife, maybe | the bat | I have it | I know where he parks
        | This weekend | the next time he says it
    """),
    "means": lines("it's right here | they are in my drawer | in the kitchen | I could get it | it's next to me"),
}
OWN_NO = {
    "thoughts": lines("I'm not thinking about that"),
    "others": lines(
        "I'm not going to hurt anyone | I'd never touch her | I don't want to hurt him | not close at all"
    ),
    "plan": lines("I don't have one | there's no plan | nothing planned | haven't got one"),
    "means": lines(
        "it's not here | I gave it away | nothing here | I threw it out | it isn't in the house | not near me"
    ),
}
UNSAFE = lines("""
no | not really | I don't think so | idk | I don't feel safe | I'm not safe | I am not safe | unsafe | I can't | I'm not
| never | I don't know | not sure | nope | I can't promise that | not at the moment | isn't safe here | I'm not sure
| i do not feel safe at all | no, not at all | not very safe | hardly | I doubt it | barely | no, I'm scared of myself
| not exactly | ok no | No. My doctor hates me. | no, nobody is with me | No I don't think I'm okay | no i have it here
| I'm not safe and I won't call an ambulance | not safe, no one is coming | I don't think I can | not really safe, no
| I am not | no and I haven't called anyone | I'm not safe. I have everything ready. | never safe | I don't feel safe here
""")
SAFE = lines("""
yes | I'm safe | yeah I'm okay | I am safe now | yes, at my mum's | No worries, I'm fine | no, I'm fine | of course
| don't worry, I'm okay | I'm good | My sister is here | sure | safe | I'm not in danger | nothing to worry about
| no need to worry | The bus was late. | no, my mum is here | nope, I called 988 already | never mind | I am okay
| I'm not safe but my sister is coming over | I don't, but I'm at the hospital | No sleep last night.
""")
HELPED = lines("""
yes | my sister is here | my mum is coming over | I called my brother | he's on his way | I'm texting a friend
| I've called the line | the ambulance is coming | my flatmate is next to me | I'm talking to my dad | I rang 988
| yes, my husband | my neighbour is with me | they're in the next room | I spoke with my doctor | yeah
| I phoned her | I'm at the hospital | My wife is home | my roommate's here | I'm with my friend
| she just arrived | I'm calling now | I'm not alone, my mum is here
""")
ALONE = lines("""
no | nobody | I'm alone | not really | there is no one | I can't call anyone | everyone is away | nobody is here
| I don't want to call | no one is here | I haven't called anyone | I didn't call | he never called | no one is coming
| I'm not calling an ambulance | I won't go to hospital | I hate hospitals | my mum isn't here | it's here | I am not
""")
DENIALS = lines("""
just kidding | jk | lol forget it | never mind | I'm fine now | I'm totally okay now | I didn't mean it | nvm | no
| I would never hurt myself | I'd never do it | I'm not going to do it | I was only joking | I'm not suicidal
| ignore what I said | I was being dramatic | haha no | Nah | I feel better now | it was a joke | it was nothing
| I'm not gonna do anything | I'm over it | forget what I wrote | I don\N{RIGHT SINGLE QUOTATION MARK}t mean anything
""")
NO_DENIALS = lines("""
The bus was late | I want to die now | Nobody listens | I feel awful | I know what I said | nothing helps
| I can't forget it all | I'm not fine | novel approaches | Norway is nice | I never sleep | it's no joke | no one cares
| no point in anything | no matter what I do it hurts | never again will I be happy | No sleep again last night
""")
MISREAD = lines("""
That's not what I meant | it was just an expression | you misunderstood | you misread me | you're overreacting
| I didn't mean it like that | it's only a figure of speech | not literally | I didn't mean that literally
| it's a song lyric | you got me wrong | You are taking this too seriously | It's just a saying! | you took it wrong
| You have misunderstood me | that's not what I'm saying | you have the wrong idea | this is not what I said
""")
NOT_MISREAD = lines("""
my boss misread the email | I meant every word | he is overreacting | you understood | I said what I meant
| that's exactly what I meant | my mum said I'm overreacting | everyone misunderstood me | you are right
""")

RAISES = {"thoughts": "ideation", "plan": "plan", "means": "plan", "others": "plan"}


@pytest.mark.parametrize("question", list(RAISES))
def test_that_whatever_is_no_clear_no_counts_as_yes(question):
    said = [*ANY_YES, *EVASIONS, *OWN_YES[question]]

    assert {text: answer_to(question, text).step for text in said} == dict.fromkeys(said, RAISES[question])
    assert [text for text in said if not answers(question, text)] == []


@pytest.mark.parametrize("question", list(RAISES))
def test_that_a_no_or_another_subject_raises_nothing(question):
    said = [*ANY_NO, *OWN_NO[question]]

    assert {text: answer_to(question, text).step for text in said} == dict.fromkeys(said)


def test_that_not_being_safe_is_an_emergency_unless_somebody_is_there():
    assert {text: answer_to("safe", text).step for text in UNSAFE} == dict.fromkeys(UNSAFE, "acute")
    assert {text: answer_to("safe", text).step for text in SAFE} == dict.fromkeys(SAFE)


def test_that_company_and_help_are_told_from_their_want():
    assert [text for text in HELPED if not answer_to("company", text).helped] == []
    assert [text for text in ALONE if answer_to("company", text).helped] == []
    assert {answer_to("company", text).step for text in HELPED + ALONE} == {None}


def test_that_a_promise_to_find_company_is_no_company():
    said = lines("ok | I will | ok I will | okay, maybe later | yes but she left | sure, later")

    assert [text for text in said if answer_to("company", text).helped] == []


def test_that_a_yes_to_danger_is_no_help():
    for question in RAISES:
        assert not answer_to(question, "yes").helped
        assert answer_to(question, "yes, and my sister is here with me").helped


def test_that_what_takes_danger_back_is_known():
    assert [text for text in DENIALS if not denies(text)] == []
    assert [text for text in NO_DENIALS if denies(text)] == []


def test_that_what_says_that_it_was_misread_is_known():
    assert [text for text in MISREAD if not misread(text)] == []
    assert [text for text in NOT_MISREAD if misread(text)] == []


def test_that_another_subject_is_no_answer():
    for question in QUESTIONS:
        assert not answers(question, "My sister got married on Saturday.")


def test_that_plain_words_need_no_case_nor_straight_quotes():
    assert speaks_of_death("I DON\N{RIGHT SINGLE QUOTATION MARK}T WANT TO LIVE")
    assert answer_to("safe", "I DON\N{LEFT SINGLE QUOTATION MARK}T FEEL SAFE").step == "acute"


@given(st.sampled_from(QUESTIONS), st.text(max_size=200))
def test_that_any_text_is_read_without_an_error(question, text):
    answer = answer_to(question, text)

    assert answer.step in {None, "ideation", "plan", "acute"}
    assert {answers(question, text), denies(text), misread(text), speaks_of_death(text)} <= {True, False}
