from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols import Plugin
from agent.readings import Affect, EmotionReading, ExpressionReading, UndertoneReading
from agent.testing import a_turn
from agent.turn import Message, Turn
from sem_plugins.labels import EMPATHETIC_DIALOGUES
from sem_plugins.undertone.plugin import SHARES, UndertonePlugin, _found, create
from tests.contracts.plugin_contract import PluginContract

# Each line: what it is, which readings it gets, the message, and perhaps what the person said before.
# The first part was at hand while the cue words were chosen; its plain messages are of the kinds that
# first raised false alarms.
SEEN = """
masked | hurt | I'm fine, it's whatever.
masked | hurt | I'm okay, really. | My sister hasn't called since the funeral.
masked | hurt | She gave the ring back lol
masked | smiling | So he picked his new girlfriend over our ten years, haha
masked | hurt | No big deal, I eat lunch by myself most days.
masked | hurt | Doesn't matter. Nobody came, but I had cake.
masked | smiling | Guess who got left behind again :)
masked | hurt | Don't worry about me, I always manage. | Mum has stopped eating and I am all she has.
masked | hurt | I guess it's funny, being forgotten on your own birthday.
masked | hurt | It is what it is. The baby's room is a study again.
masked | hurt | oh well, wasn't like I wanted that job anyway | They turned me down after the fourth interview.
masked | hurt | I'll survive. | He moved his things out on Friday.
masked | hurt | Others have it so much worse, I shouldn't complain.
masked | hurt | I'm used to it. | My father has not spoken to me since I came out.
masked | hurt | im ok i guess | I failed the exam for the third time.
masked | hurt | It's nothing, forget I said anything. | I sat in the car outside her house for an hour.
masked | hurt | I cried in the toilets for the whole lunch break lmao
masked | afraid | It's just a lump, it's no biggie.
masked | afraid | Honestly I'm fine. The results come on Monday.
masked | smiling | Fired by text message. Hilarious, right?
masked | hurt | Everything is great! Absolutely great. | My husband left on Sunday.
masked | hurt | Who needs friends anyway.
masked | unsure | I keep telling everyone I'm fine.
masked | hurt | I put on a brave face for the kids and fall apart at night.
masked | unsure | At work I smile on the outside so that nobody asks.
masked | hurt | I pretend that it doesn't bother me.
masked | unsure | I laugh about it so I don't cry.
masked | hurt | I never let it show, not even to my wife.
masked | unsure | I've been bottling it all up since March.
masked | hurt | People think I'm the funny one. They have no idea.
masked | smiling | What a year: my car died, my phone died, my marriage died.
masked | smiling | Best birthday ever, nobody had to share the cake.
masked | hurt | I sleep alone now, more room for me :)
masked | tense | It is what it is. | I got dumped on Saturday, by mail.
masked | tense | I'm fine. Can we talk about something else? | My father died and I missed the funeral.
masked | tense | No big deal. | They all went to the lake and I was left out.
ambivalent | unsure | I have mixed feelings about moving back home.
ambivalent | both | Part of me wants to call him and part of me never wants to hear his voice again.
ambivalent | both | I'm happy for her, but it hurts to watch.
ambivalent | both | Dropping her off at college was bittersweet.
ambivalent | hurt | I love him and I hate him.
ambivalent | unsure | On the one hand the pay is better, on the other hand I would never see my kids.
ambivalent | both | So excited about the baby, although I'm terrified too.
ambivalent | afraid | I want to tell them the truth but I'm scared they will hate me.
ambivalent | hurt | I know I should leave but I can't bring myself to do it.
ambivalent | both | We won, but I keep thinking of the ones who got hurt.
ambivalent | both | He said sorry, yet something in me stays shut.
ambivalent | both | It was a lovely wedding, though all I could see was Dad's empty chair.
ambivalent | both | Yes, but then I would have to give up the house I grew up in. | I got the job in Oslo!
ambivalent | unsure | I'm torn between staying and going.
ambivalent | unsure | I don't know whether to laugh or cry.
ambivalent | both | I should be happy that it's over, but I feel empty.
ambivalent | both | nervous but excited for monday
ambivalent | both | I miss him so much, but I'm glad he is out of pain.
ambivalent | both | I feel relieved and guilty at the same time.
ambivalent | hurt | I can't stand my mother and I can't stop needing her.
ambivalent | both | The divorce came through today. Champagne and tears.
ambivalent | both | Good news: it's gone. Even though I smile I keep waiting for it to return.
ambivalent | both | I don't know how to feel about him coming back.
plain | hurt | My grandmother died last night and I can't stop crying.
plain | hurt | I feel so lonely since the divorce.
plain | hurt | I'm heartbroken. She meant everything to me.
plain | hurt_plainly | My mother died on Tuesday.
plain | hurt_plainly | They closed the plant, and I was one of the last to go.
plain | afraid | I'm terrified of what the doctor will say.
plain | hurt | Nobody asked how I was all week.
plain | hurt | I'm fine, but I'm really sad about the dog.
plain | hurt | I'm not fine at all.
plain | hurt | It matters to me. It matters so much.
plain | hurt | I can't pretend that everything is fine any more.
plain | afraid | I'm okay, just so scared of tomorrow.
plain | hurt | Why does he laugh at me? Haha, he goes, every time I speak.
plain | hurt | I wish I could say I'm good.
plain | hurt | Thank you for listening :) | My brother is in prison and I miss him.
plain | glad | We got the keys to our first flat today!
plain | glad | I'm so proud of my little brother haha
plain | glad | She said yes!!! :)
plain | glad | Lol the puppy fell asleep in his bowl
plain | calm | I'm fine, thanks. How are you?
plain | calm | I'm good, thank you for asking.
plain | hurt | I'm ok, how are you?
plain | calm | I'm fine with that.
plain | calm | No big deal, the shop swapped it for a new one.
plain | calm | Don't worry about it, I had a spare.
plain | calm | I'm fine now, it was only a scratch. | I fell off my bike and it hurts.
plain | calm | I feel much better, I'll be fine. | My girlfriend broke up with me.
plain | glad | It doesn't matter who wins, I just love these evenings.
plain | glad | I told her I'm fine with pizza lol
plain | unsure | whatever you think is best
plain | unsure | lol ok
plain | unsure | I'm okay
plain | hurt | haha true | My mother is in hospital again.
plain | hurt | Do you have a dog too? lol | I miss my old dog.
plain | hurt | I own a treadmill and hang my laundry on it lol
plain | hurt | My neighbours look in on me and I on them :)
plain | hurt | I'm good. My funeral speech needs a second pair of eyes.
plain | hurt | It's ok. I am going to tell them on Friday.
plain | hurt | Some days it's okay. Some days it's awful.
plain | hurt | Oh well, what a story.
plain | smiling | My nephew fell asleep in the funeral, and everybody had to grin.
plain | glad | Nobody guessed my costume haha
plain | tense | I'm okay, I only stubbed my toe. | My cat died last year.
plain | tense | I'm fine. He is the rude one. | My boss shouted at me.
plain | hurt | I live on the top floor, so nobody walks over my head :)
plain | afraid | I am scared of the teacups at the fair haha
plain | hurt | Four cactuses, and every one of them died on my watch lol
plain | hurt | I miss my squeaky bed whenever I travel lol
plain | hurt | The choir takes the edge off being lonely :)
plain | afraid | My first try failed because the oven was off lol
plain | hurt | I burnt the second cake as well. Oh well, there is a bakery.
plain | hurt | My new shift starts at four and it's no big deal.
plain | hurt | He is my twin, it doesn't matter, and he is a vet.
plain | hurt | We missed the match. It is what it is, there is another next week.
plain | hurt | No, I'm good. | My wife died in May.
plain | hurt | I'm alright. I had a question about custody. | We are getting divorced.
plain | both | I rang twice, but the shop was shut.
plain | both | My train leaves at six, but the taxi is late.
plain | both | He is tall, though his father is taller.
plain | both | I could come on Friday, but Sunday suits me better.
plain | hurt | I called him, but he didn't pick up.
plain | calm | I wanted the blue one, but they only had red.
plain | hurt | I tried everything but nothing helps.
plain | glad | It rained all day, but we danced anyway.
plain | afraid | I took the pills although they make me dizzy, and now I am scared.
plain | hurt | Yes, but he never listens.
plain | hurt | Nothing but bills in the post.
plain | calm | The bus was late, though not by much.
plain | unsure | I don't know, but maybe.
plain | glad | I was nervous at first, but now I love it here.
plain | calm | On the one hand there is a mole, I show it to the doctor on Friday.
plain | hurt | She was happy but I was never enough for her.
plain | glad | I used to hate running but I enjoy it these days.
plain | calm | Part of me is Irish, on my mother's side.
plain | hurt | He tore up the letter, he has torn up all of them.
"""

# Written when the rules stood; nothing was changed to suit them.
UNSEEN = """
masked | hurt | It's whatever, I never liked that flat. | She wants me to move out by Friday.
masked | hurt | Don't mind me, I'm only being silly. | My son has not written for a year.
masked | hurt | I'm totally fine. | We were going to be married in June.
masked | hurt | Spent Christmas by myself again haha
masked | hurt | Not a big deal. People forget birthdays.
masked | hurt | I'll be okay, I guess. | They put my dog to sleep this morning.
masked | hurt | Nothing a bottle of wine can't fix. | He told me that he never loved me.
masked | afraid | It's probably nothing. | I found blood again.
masked | hurt | At least I don't have to cook for two any more! | My wife left.
masked | hurt | There are people with real problems. | I cannot get out of bed.
masked | smiling | Dumped on Valentine's Day. You have to laugh.
masked | smiling | lol I cry every night now
masked | hurt | Who cares. | My paper was turned down again.
masked | hurt | It doesn't matter anyway. | I wanted him to ask me how I am.
masked | hurt | I've had worse. | He pushed me down the stairs.
masked | unsure | I act like everything is okay so the kids don't worry.
masked | unsure | On the phone with Mum I always sound cheerful.
masked | hurt | I tell my wife it's nothing and go and sit in the garage.
masked | unsure | Inside I'm screaming, but nobody can tell.
masked | hurt | I hide how sad I am from all of them.
masked | tense | I'm okay. | My best friend died in March.
ambivalent | both | I'm relieved that it's over, but I miss her every day.
ambivalent | both | Half of me is cheering and the other half wants to hide.
ambivalent | unsure | My feelings about this baby are all over the place.
ambivalent | unsure | I'm so conflicted about the move.
ambivalent | both | Leaving this town is exciting, but it breaks my heart.
ambivalent | hurt | I know I need to stop texting him but I can't.
ambivalent | both | I want to say yes, but I'm terrified of failing.
ambivalent | both | Grateful for the offer, and yet I can't stop shaking.
ambivalent | both | The house sold. I danced, and then I sat on the stairs and wept.
ambivalent | both | Although I laughed all evening, something was missing.
ambivalent | both | happy and a bit sad that school is over
ambivalent | hurt | Sometimes I hate her, sometimes I would do anything for her.
ambivalent | both | Yes, but what if it all goes wrong again? | I got into the programme!
ambivalent | unsure | It's a love-hate thing with my job.
ambivalent | hurt | I don't want to stay, I don't want to go.
ambivalent | both | I should be proud of him but all I feel is envy.
plain | hurt | I miss my brother.
plain | hurt | He hurt me and I will not forget it.
plain | hurt | No, I'm not okay.
plain | hurt | My aunt has cancer and it is spreading.
plain | hurt_plainly | The clinic called. We lost the baby.
plain | hurt_plainly | I was let go at noon.
plain | afraid | What if nobody comes?
plain | hurt | That's life, my mother used to say, and I hated her for it.
plain | hurt | Does it matter whom I tell first?
plain | hurt | ok, I'll try that :) | I feel so alone.
plain | hurt | I'm alright, thank you. It was hard to say out loud.
plain | hurt | People tell me that I'll be fine. | He left me.
plain | hurt | It's fine to cry, my sister says, so I do.
plain | hurt | They laughed, haha, and I felt sick.
plain | hurt | Everything is fine at work. It's home that is killing me.
plain | calm | I'm fine, I just wanted to say hello.
plain | calm | It's okay, the train comes every ten minutes.
plain | calm | I'll manage, I have done it before.
plain | glad | haha I won!
plain | glad | I'm so happy for them, we all cried.
plain | glad | Nobody was hurt, so who cares about the car :)
plain | tense | It's no big deal, but I want my deposit back. | My divorce was years ago.
plain | unsure | I'm good
plain | unsure | haha
plain | hurt | I asked her to stay but she was already gone.
plain | hurt | I eat, but nothing tastes of anything.
plain | calm | It's a small flat, but it has a balcony.
plain | glad | I didn't think I would pass, but I did!
plain | afraid | I locked the door, but I still hear him outside.
plain | hurt | I love him but he is dead.
plain | hurt | I want to sleep but the baby cries.
plain | calm | I know I have to renew it but I can do that next week.
plain | glad | I was scared but then they all clapped and I was so proud.
plain | hurt | My heart is torn apart.
plain | both | I want to thank you, but I have to go now.
"""


def feeling(**likely: float) -> EmotionReading:
    """The given probabilities; the rest of the 32 emotions share what is left."""
    rest = (1 - sum(likely.values())) / (len(EMPATHETIC_DIALOGUES) - len(likely))
    return EmotionReading("any", {label: likely.get(label, rest) for label in EMPATHETIC_DIALOGUES.labels})


def words(*present: str) -> ExpressionReading:
    return ExpressionReading("any", dict.fromkeys(present, 0.6) | {"curiosity": 0.1}, present)


HURT = feeling(sad=0.5, lonely=0.2, devastated=0.15)
READINGS: Mapping[str, tuple[EmotionReading, ExpressionReading, float]] = {
    "hurt": (HURT, words("sadness"), -0.4),
    "hurt_plainly": (HURT, words("neutral"), -0.1),
    "smiling": (HURT, words("amusement"), 0.1),
    "afraid": (feeling(afraid=0.5, terrified=0.2, anxious=0.2), words("fear"), -0.3),
    "tense": (feeling(apprehensive=0.4, annoyed=0.3, embarrassed=0.2), words("annoyance"), -0.2),
    "glad": (feeling(joyful=0.5, excited=0.25, proud=0.1), words("joy"), 0.6),
    "calm": (feeling(content=0.5, trusting=0.2, confident=0.15), words("neutral"), 0.2),
    "both": (feeling(hopeful=0.3, excited=0.2, anxious=0.3, sad=0.15), words("excitement", "nervousness"), 0.0),
    "unsure": (feeling(), words("neutral"), 0.0),
}


def turn_of(text: str, readings: str = "hurt", *, earlier: str = "", **fields: Any) -> Turn:
    emotion, expression, valence = READINGS[readings]
    given: dict[str, Any] = {"emotion": emotion, "expression": expression, "affect": Affect(valence, 0.0, 0.0)}
    history = (Message("seeker", earlier), Message("supporter", "I see.")) if earlier else ()
    return a_turn(text, **({"history": history} | given | fields))


def read(text: str, readings: str = "hurt", *, earlier: str = "", **fields: Any) -> UndertoneReading:
    [reading] = UndertonePlugin()([turn_of(text, readings, earlier=earlier, **fields)])
    assert reading is not None
    return reading


def examples(block: str) -> Iterator[tuple[str, str, UndertoneReading]]:
    """What each message is, the message, and what is read."""
    for line in block.strip().splitlines():
        kind, readings, text, *earlier = line.split(" | ")
        yield kind, text, read(text, readings, earlier="".join(earlier))


def precision_and_recall(kind: str, block: str) -> tuple[float, float]:
    marked = [(truth == kind, getattr(reading, kind) > 0) for truth, _, reading in examples(block)]
    hits = marked.count((True, True))
    return hits / sum(said for _, said in marked), hits / sum(true for true, _ in marked)


def test_that_there_are_enough_messages_of_every_kind():
    kinds = [kind for block in (SEEN, UNSEEN) for kind, *_ in examples(block)]
    assert {kind: kinds.count(kind) >= 35 for kind in kinds} == {"masked": True, "ambivalent": True, "plain": True}


@pytest.mark.parametrize(
    ("kind", "block", "precision", "recall"),
    [
        ("masked", SEEN, 0.66, 0.77),  # plain messages of the kinds that deceive it are many there
        ("masked", UNSEEN, 0.9, 0.5),
        ("ambivalent", SEEN, 0.8, 0.9),
        ("ambivalent", UNSEEN, 0.85, 0.74),
    ],
)
def test_that_hand_written_messages_are_told_apart(kind: str, block: str, precision: float, recall: float):
    found = precision_and_recall(kind, block)
    assert found[0] >= precision
    assert found[1] >= recall


def test_that_shares_are_those_measured_on_the_messages():
    hits: dict[str, list[bool]] = defaultdict(list)
    for block in (SEEN, UNSEEN):
        for truth, _, reading in examples(block):
            for kind in ("masked", "ambivalent"):
                if probability := getattr(reading, kind):
                    hits[f"{kind} {probability:.2f}"].append(truth == kind)
    # Signs that are worth the same are counted together.
    assert set(hits) == {f"{name.partition(',')[0]} {share:.2f}" for name, share in SHARES.items()}
    for name, found in hits.items():
        assert (sum(found) + 1) / (len(found) + 2) == pytest.approx(float(name.split()[1]), abs=0.04)


@pytest.mark.parametrize(
    ("text", "readings", "shown"),
    [
        ("I’m used to it, honestly.", "hurt", ["I’m used to it"]),
        ("Nobody came, no big deal lol", "hurt", ["no big deal", "lol"]),
        ("I cry a lot these days\N{SLIGHTLY SMILING FACE}", "hurt", ["\N{SLIGHTLY SMILING FACE}"]),
        ("It hurts that nobody came:)", "hurt", [":)"]),
        ("I don't know, I have mixed feelings.", "unsure", ["mixed feelings"]),
        ("The ring is lovely, but it was hers.", "both", ["but"]),
        ("I KEEP TELLING PEOPLE I'M FINE", "unsure", ["I KEEP TELLING PEOPLE I'M FINE"]),
    ],
)
def test_that_evidence_is_the_cue_words_as_they_were_written(text: str, readings: str, shown: list[str]):
    assert [text[start:end] for start, end in read(text, readings).evidence] == shown


def test_that_nothing_is_shown_where_nothing_is_read():
    assert read("I'm fine, it's whatever.", "glad") == UndertoneReading(source="cue words")
    assert read("I rang, but nobody was there.", "hurt").evidence == ()


def test_that_a_share_fades_out_as_the_emotion_grows_unsure():
    shares = [
        read("It's whatever.", emotion=feeling(sad=p, lonely=p, afraid=p)).masked for p in (0.31, 0.25, 0.22)
    ]
    assert shares[0] == SHARES["masked, waved off"]
    assert shares[0] > shares[1] > shares[2] > 0
    assert read("It's whatever.", "unsure").masked == 0


def test_that_outright_words_count_however_unsure_the_emotion_is():
    assert read("I pretend to be happy.", "unsure").masked == SHARES["masked, said"]
    assert read("It is bittersweet.", "unsure").ambivalent == SHARES["ambivalent, said"]


def test_that_a_mask_that_was_given_up_is_none():
    assert read("I used to pretend to be happy.").masked == 0
    assert read("I can't put on a brave face any more.").masked == 0


def test_that_anger_that_jokes_hides_no_pain():
    angry = feeling(furious=0.7, angry=0.2)
    assert read("I cried with rage at the bank lol, it's whatever.", emotion=angry).masked == 0


def test_that_fine_counts_only_after_something_painful():
    assert read("I'm fine.").masked == 0
    assert read("I'm fine.", earlier="My mother died.").masked == SHARES["masked, said to be fine"]
    assert read("I'm fine, thanks.", earlier="My mother died.").masked == 0


def test_that_only_the_persons_own_last_three_messages_are_remembered():
    grief, small_talk = Message("seeker", "My mother died."), Message("seeker", "It rained.")
    assert read("I'm fine.", history=(grief, small_talk, small_talk)).masked > 0
    assert read("I'm fine.", history=(grief, small_talk, small_talk, small_talk)).masked == 0
    assert read("I'm fine.", history=(Message("supporter", "My mother died too."),)).masked == 0


def test_that_a_smile_over_a_painful_story_counts_without_a_cue_word():
    story = "First the cat died, then the boiler."
    assert read(story, "smiling").masked == SHARES["masked, cheerful words"]
    assert read(story, "smiling").evidence == ()
    assert read(story, "smiling", affect=Affect(-0.3, 0, 0)).masked == 0
    assert read(story, "hurt_plainly").masked == 0, "neutral words are how people report a death"


def test_that_but_alone_is_no_second_feeling():
    text = "The ring is lovely, but it was hers."
    assert [read(text, readings).ambivalent for readings in ("hurt", "glad", "calm", "afraid")] == [0, 0, 0, 0]


def test_that_two_feelings_in_the_words_or_in_the_person_are_enough():
    text = "The ring is lovely, but it was hers."
    assert read(text, expression=words("joy", "sadness")).ambivalent == SHARES["ambivalent, contrast"]
    assert read(text, "both", expression=words("neutral")).ambivalent == SHARES["ambivalent, contrast"]
    assert read(text, expression=words("surprise", "sadness")).ambivalent == 0, "surprise is on no side"


def test_that_one_persons_joy_and_anothers_grief_are_not_two_feelings():
    assert read("I was happy but she was sad.").ambivalent == 0
    assert read("I was happy but also sad.").ambivalent > 0


def test_that_unknown_emotions_say_nothing():
    strange = EmotionReading("any", {"saudade": 0.9, "sad": 0.1})
    assert read("I lost my dog. It's whatever.", emotion=strange).masked == 0


def test_that_other_label_sets_are_read_by_their_words():
    few = EmotionReading("any", {"grief": 0.96, "joy": 0.02, "neutral": 0.02})
    assert read("It's whatever.", emotion=few).masked == SHARES["masked, waved off"]


@pytest.mark.parametrize("missing", ["emotion", "expression", "affect"])
def test_that_without_its_readings_it_cannot_tell(missing: str):
    assert create()([turn_of("It's whatever.", **{missing: None})]) == [None]


FRAGMENTS = (
    "i",
    "i'm",
    " ",
    "\n",
    ",",
    ".",
    "but",
    "happy",
    "sad",
    "part of me",
    "i know i should",
    "pretend",
    "ha",
    ":)",
)


@given(st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=4), st.integers(1, 2000))
def test_that_hostile_repetition_is_read_like_anything_else(pieces: list[str], times: int):
    text = ("".join(pieces) * times)[:5000]
    reading = read(text)
    assert all(0 <= start < end <= len(text) for start, end in reading.evidence)


@pytest.mark.parametrize("gap", [" ", "\t", "\n"])
def test_that_long_runs_of_white_space_are_no_trap(gap: str):
    # With the square of the run's length, this would take minutes.
    assert read("I pretend" + gap * 50_000 + "to be happy").masked > 0


class TestUndertonePlugin(PluginContract):
    given: ClassVar[Mapping[str, Any]] = {
        **PluginContract.given,
        "emotion": HURT,
        "expression": words("amusement"),
        "affect": Affect(0.1, 0.0, 0.0),
    }

    @pytest.fixture
    def plugin(self) -> Plugin:
        return create()

    def check_spans(self, turn: Turn, reading: Any) -> None:
        assert all(0 <= start < end <= len(turn.text) for start, end in reading.evidence)


@pytest.mark.data
@pytest.mark.parametrize(("name", "seekers"), [("esconv", 2956), ("empathetic_dialogues", 6340)])
def test_that_cue_words_are_rare_in_real_dialogues(data_folder: Callable[[str], Path], name: str, seekers: int):
    fired: dict[str, int] = defaultdict(int)
    said = 0
    with (data_folder(name) / "valid.jsonl").open(encoding="utf-8") as lines:
        for dialogue in map(json.loads, lines):
            for text in (turn["text"] for turn in dialogue["turns"] if turn["speaker"] == "seeker"):
                said += 1
                fired["masked"] += any(
                    _found(cue, text) for cue in ("masked_stated", "dismissal", "laugh", "fine")
                )
                fired["ambivalent"] += any(
                    _found(cue, text) for cue in ("ambivalent_stated", "ambivalent_named", "pull")
                )
                fired["contrast"] += bool(_found("contrast", text))
    assert said == seekers
    assert fired["masked"] / said <= 0.035
    assert fired["ambivalent"] / said <= 0.003
    assert fired["contrast"] / said <= 0.18  # of these only those count where two feelings were read
