"""What is heard of the feeling, and when it may be said."""

from __future__ import annotations

import pytest

from agent.readings import Affect, EmotionReading, ExpressionReading, RiskReading
from agent.state import EmotionalState, PersonalCalibration
from agent.testing import a_turn
from prompts.offline.feeling import hear
from prompts.offline.phrases import load_phrases
from prompts.offline.topics import subject_of

PHRASES = load_phrases()
PLAIN = "The letter came in the afternoon post."


def a_distribution(**probabilities: float):
    rest = (1 - sum(probabilities.values())) / (32 - len(probabilities))
    return EmotionReading(
        "empathetic-dialogues-32", {label: probabilities.get(label, rest) for label in PHRASES.feelings}
    )


def heard(text=PLAIN, *, subject=None, **fields: object):
    return hear(a_turn(text, **fields), phrases=PHRASES, variant=0, subject=subject)


def test_that_a_sure_reading_is_asserted():
    result = heard(emotion=a_distribution(anxious=0.6))

    assert (result.tone, result.words, result.sure) == ("hard", "anxious", True)


def test_that_a_less_sure_reading_is_only_guessed_at():
    result = heard(emotion=a_distribution(anxious=0.28))

    assert (result.words, result.sure) == ("anxious", False)


SET_RIGHT = EmotionalState(
    Affect(0.0, 0.0, 0.0),
    3,
    0.0,
    None,
    3,
    0.5,
    personal=PersonalCalibration(2, {"anger": -1.0}, 1.2, literal=True),
)


@pytest.mark.parametrize(
    "fields", [{"state": SET_RIGHT}, {"state_before": SET_RIGHT}], ids=["tracked", "not tracked"]
)
def test_that_a_person_who_set_readings_right_is_not_told_what_they_feel(fields):
    assert heard(emotion=a_distribution(anxious=0.9)).words == "anxious"
    assert heard(emotion=a_distribution(anxious=0.9), **fields).words is None
    assert heard("I am so sad about the letter.", emotion=a_distribution(anxious=0.9), **fields).words == "sad"


@pytest.mark.parametrize("emotion", [None, a_distribution(anxious=0.1)])
def test_that_an_unsure_reading_is_not_spoken_of(emotion):
    assert heard(emotion=emotion).words is None


@pytest.mark.parametrize(
    ("neutral", "words", "sure"), [(0.1, "anxious", True), (0.7, "anxious", False), (0.9, None, False)]
)
def test_that_words_without_emotion_make_it_less_sure(neutral, words, sure):
    expression = ExpressionReading("goemotions-28", {"neutral": neutral, "fear": 0.1})

    result = heard(emotion=a_distribution(anxious=0.6), expression=expression)

    assert (result.words, result.sure) == (words, sure)


def test_that_two_feelings_are_named_when_the_second_is_close():
    assert heard(emotion=a_distribution(sad=0.4, angry=0.3)).words == "sad and angry"


def test_that_near_synonyms_are_not_named_twice():
    assert heard(emotion=a_distribution(angry=0.4, furious=0.35)).words == "angry"


def test_that_a_mixed_feeling_is_not_celebrated():
    result = heard(emotion=a_distribution(hopeful=0.4, afraid=0.35))

    assert (result.tone, result.words) == ("hard", "hopeful and yet afraid")


def test_that_good_news_is_shared():
    assert heard("They offered me the part!", emotion=a_distribution(joyful=0.5, proud=0.3)).tone == "joy"


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("I cried the whole night.", {}),
        ("They offered me the part.", {"affect": Affect(-0.6, 0.2, 0.0)}),
    ],
)
def test_that_nobody_is_congratulated_on_something_sad(text, fields):
    result = heard(text, emotion=a_distribution(joyful=0.7), **fields)

    assert result.tone != "joy"
    assert result.words is None


@pytest.mark.parametrize("label", ["trusting", "content", "grateful", "hopeful"])
def test_that_a_good_feeling_is_not_put_into_the_mouth_of_somebody_in_distress(label):
    emotion = a_distribution(**{label: 0.6})
    assert heard(emotion=emotion, risk=RiskReading("none")).words is not None
    assert heard(emotion=emotion, risk=RiskReading("distress")).words is None


def test_that_tears_of_joy_are_believed():
    fields = {"emotion": a_distribution(proud=0.5, joyful=0.3), "affect": Affect(0.6, 0.3, 0.1)}

    assert heard("My mother cried when I told her.", **fields).tone == "joy"


def test_that_the_seekers_own_word_comes_before_the_reading():
    result = heard("I feel so guilty about it.", emotion=a_distribution(angry=0.7))

    assert (result.family, result.words, result.sure) == ("shame", "guilty", True)


def test_that_a_feeling_of_the_past_is_not_put_into_the_present():
    assert heard("I was so scared back then.").words is None


@pytest.mark.parametrize("text", ["I feel worthless.", "I'm so stupid.", "I feel unloved."])
def test_that_a_judgement_of_oneself_is_not_agreed_with(text):
    result = heard(text)

    assert result.tone == "hard"
    assert result.words is None


def test_that_a_negated_feeling_is_not_heard():
    assert heard("I'm not scared of the dark.").words is None


@pytest.mark.parametrize("text", ["My father passed away.", "Our old dog died.", "We had to put our cat down."])
def test_that_a_loss_has_a_tone_of_its_own(text):
    assert heard(text).tone == "loss"


@pytest.mark.parametrize("text", ["My phone died on the train.", "I nearly died laughing."])
def test_that_not_everything_that_died_is_a_loss(text):
    assert heard(text).tone != "loss"


def test_that_relief_is_heard():
    assert heard("I feel much calmer now, almost relieved. I feel relieved.").tone == "relief"


def test_that_having_been_better_is_no_relief():
    assert heard("I have been better.").tone != "relief"


def test_that_a_dark_stretch_is_not_over_because_one_message_shows_nothing():
    state = EmotionalState(Affect(-0.6, 0.1, -0.2), 4, -0.1, None, 4, 0.8)

    assert heard("He came by at noon.", state=state).tone == "hard"
    assert heard("He came by at noon.").tone == "neutral"


def test_that_a_strong_word_is_not_used_for_a_guess():
    assert heard(emotion=a_distribution(furious=0.28)).words == "annoyed"
    assert heard(emotion=a_distribution(furious=0.6)).words == "furious"


def test_that_eagerness_is_not_taken_for_worry():
    assert heard("I can't wait to see them.", emotion=a_distribution(anxious=0.5)).tone == "ahead"


def test_that_glad_words_are_heard_where_no_emotion_was_read():
    expression = ExpressionReading("goemotions-28", {"joy": 0.8, "neutral": 0.1}, present=("joy",))

    assert heard(expression=expression, affect=Affect(0.6, 0.3, 0.2)).tone == "joy"
    assert heard(expression=expression, affect=Affect(-0.1, 0.3, 0.2)).tone == "neutral"


def test_that_labels_of_another_set_are_not_guessed_at():
    assert heard(emotion=EmotionReading("other-2", {"zest": 0.8, "gloom": 0.2})).words is None


@pytest.mark.parametrize(
    "text", ["He is coming home! I could cry, I'm so happy.", "I cried for joy when the letter came."]
)
def test_that_tears_of_joy_are_joy(text: str):
    assert heard(text, emotion=a_distribution(joyful=0.6)).tone == "joy"


@pytest.mark.parametrize(
    "text",
    ["I could cry, I'm not so happy here.", "I cry every night. People think I'm happy.", "I could cry all day."],
)
def test_that_other_tears_are_not(text: str):
    assert heard(text, emotion=a_distribution(joyful=0.6)).tone != "joy"


@pytest.mark.parametrize(
    "text",
    [
        "My sister is angry that I left early.",
        "my boss was really furious today",
        "She's scared of the new doctor.",
    ],
)
def test_that_somebody_elses_feeling_is_not_taken_for_the_seekers(text: str):
    result = heard(text, emotion=a_distribution(furious=0.7))

    assert (result.tone, result.words) == ("hard", None)


@pytest.mark.parametrize(
    ("text", "tone"),
    [
        ("I'm happy for her, really, but who am I going to have lunch with?", "neutral"),
        ("I'm happy for them but now I cry every night", "hard"),
        ("I'm happy, but I'm also proud of my team.", "joy"),
        ("It was a long road, but I'm happy.", "joy"),
    ],
)
def test_that_a_good_feeling_that_a_but_takes_back_is_not_congratulated(text: str, tone: str):
    assert heard(text, emotion=a_distribution(joyful=0.6)).tone == tone


def test_that_a_feeling_of_their_own_beside_somebody_elses_is_heard():
    assert heard("I am sad because my mother is angry.", emotion=a_distribution(furious=0.7)).words == "sad"


def test_that_distress_is_acknowledged_where_the_feeling_is_only_guessed():
    distress = RiskReading("distress", {"distress": 0.9})

    result = heard(emotion=a_distribution(surprised=0.28), risk=distress)

    assert (result.tone, result.words) == ("hard", None)


@pytest.mark.parametrize(
    "text", ["today he would have been 9", "It would've been her 21st.", "we buried my uncle"]
)
def test_that_an_age_that_was_not_reached_tells_of_a_loss(text: str):
    assert heard(text).tone == "loss"


@pytest.mark.parametrize("text", ["it would have been 9 dollars", "That would have been 10 minutes."])
def test_that_a_price_or_a_time_tells_of_none(text: str):
    assert heard(text).tone != "loss"


def test_that_somebody_who_cried_for_pride_is_heard_as_glad():
    assert heard("My dad cried on the phone, he was so proud").tone == "joy"
    assert heard("My dad cried on the phone, he was so sad").tone == "hard"


def about(text):
    return subject_of(a_turn(text))


@pytest.mark.parametrize(
    "text",
    [
        "My husband says we can get another one",
        "mum says just enjoy it",
        "Everyone told me to be grateful",
        "how long does it last",
        "work is fine, I should be glad of it",
    ],
)
def test_that_the_gladness_of_others_and_of_questions_is_not_the_seekers(text):
    assert heard(text, emotion=a_distribution(hopeful=0.7), affect=Affect(0.2, 0.0, 0.0)).words is None
    assert (
        heard("We can get one", emotion=a_distribution(hopeful=0.7), affect=Affect(0.2, 0.0, 0.0)).words
        == "hopeful"
    )


def test_that_a_glad_guess_needs_more_about_what_weighs():
    hard = about("I lost my job")
    fields = {"emotion": a_distribution(joyful=0.6)}

    assert heard(affect=Affect(0.2, 0.0, 0.0), subject=hard, **fields).tone == "neutral"
    assert heard(affect=Affect(0.6, 0.0, 0.0), subject=hard, **fields).tone == "joy"
    assert heard("I am so happy today", subject=hard, **fields).tone == "joy"


def test_that_good_news_stays_good_though_it_tells_of_what_came_before():
    text = "I got the job, after nine months of rejections"
    distress = RiskReading("distress")

    assert heard(text, risk=distress, affect=Affect(-0.1, 0.0, 0.0), subject=about(text)).tone != "hard"
    assert heard(text, affect=Affect(0.3, 0.0, 0.0), subject=about(text)).tone == "joy"
    assert heard(text, risk=distress, affect=Affect(-0.6, 0.0, 0.0), subject=about(text)).tone == "hard"
    assert heard(risk=distress, affect=Affect(-0.1, 0.0, 0.0)).tone == "hard"


@pytest.mark.parametrize(
    "text", ["saying that out loud helped", "This really helps", "writing it down has helped"]
)
def test_that_what_helped_is_relief(text):
    assert heard(text).tone == "relief"


@pytest.mark.parametrize("text", ["that didn't help", "this helps them", "does writing this help?"])
def test_that_what_did_not_help_is_none(text):
    assert heard(text).tone != "relief"


def test_that_gladness_about_somebody_who_died_is_tenderness():
    fields = {"emotion": a_distribution(joyful=0.6), "affect": Affect(0.6, 0.0, 0.0)}

    assert heard("he could do our teacher's voice", subject=about("my friend died"), **fields).tone == "tender"
