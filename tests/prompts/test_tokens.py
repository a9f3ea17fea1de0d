from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from agent.errors import SettingsError
from prompts.composer import create
from prompts.tokens import Ruler

# Our own sentences, with the largest count that seven tokenizers give each: those of Llama 3, Qwen, Mistral 7B v0.1,
# Tekken, DeepSeek, cl100k and o200k.
COUNTED = {
    "My sister moved out in March and the flat has been so quiet since then. I keep setting the table for two, which is silly, and then I sit there and eat nothing. Honestly I don't know whether I'm sad or just tired of it all.": 55,
    "idk why im even writing this lol,, cant sleep agian bc my boss txted me at 11pm?!?! ugh!!! soooo done w/ everything rn tbh": 42,
    "On 12.03.2024 at 07:45 they billed me 1,284.50 and on 14.03.2024 again 983.99; order 4471-8820-19A, phone 0049 30 5550171.": 88,
    "Seit meine Mutter im Pflegeheim wohnt, habe ich jeden Sonntag ein schlechtes Gewissen, obwohl ich sie regelmäßig besuche und die Nachtschichten mich erschöpfen.": 54,
    "Depuis que j'ai changé d'équipe, personne ne m'adresse la parole à la cantine et je finis par manger dans ma voiture.": 39,
    "Mañana tengo el examen de conducir por tercera vez y me da vergüenza contárselo a mis compañeros del trabajo.": 37,
    "Od kiedy przeprowadziliśmy się do Łodzi, mój syn prawie się do mnie nie odzywa i zamyka się w swoim pokoju.": 44,
    "Kardeşim düğününe beni çağırmadı, üç haftadır ne diyeceğimi bilemiyorum ve geceleri uyuyamıyorum.": 51,
    "Từ khi chuyển lên thành phố, mỗi tối tôi đều ăn cơm một mình và không biết kể với ai.": 57,
    "Työpaikallani irtisanottiin kymmenen ihmistä, enkä uskalla kertoa vaimolleni, että pelkään olevani seuraava.": 46,
    "Вчера мне снова отказали после собеседования, и я уже не понимаю, что со мной не так.": 37,
    "Η καλύτερή μου φίλη έφυγε για το εξωτερικό και από τότε νιώθω πως το σπίτι άδειασε.": 84,
    "מאז שסבא נפטר אני לא מצליח להתרכז בלימודים, וכולם מצפים ממני להמשיך כרגיל.": 77,
    "منذ أن انتقلت إلى المدينة الجديدة لا أجد من أتحدث معه، وأقضي المساء كله وحدي.": 69,
    "از وقتی که دانشگاه را تمام کرده‌ام، هیچ کاری پیدا نمی‌کنم و از خانواده‌ام خجالت می‌کشم.": 86,
    "जब से पिताजी की नौकरी गई है, घर में कोई किसी से ठीक से बात नहीं करता।": 76,
    "পরীক্ষার ফল খারাপ হওয়ার পর থেকে মা আমার সঙ্গে ভালো করে কথা বলেন না।": 82,
    "வேலை போன பிறகு நண்பர்களைச் சந்திக்கவே எனக்குப் பயமாக இருக்கிறது.": 89,
    "ตั้งแต่เลิกกับแฟน ฉันนอนไม่หลับและไม่อยากออกไปไหนเลย": 53,
    "რაც ქალაქში გადმოვედი, საღამოობით სულ მარტო ვარ და არავის ვურეკავ.": 121,
    "አባቴ ከታመመ ጀምሮ ሌሊት መተኛት አልቻልኩም።": 68,
    "自从搬到新城市以后,我每天晚上都是一个人吃饭,也不知道该跟谁说。昨天妈妈打来电话,我差点哭出来。": 62,
    "祖父彌留之際,我在廊下躊躇徘徊,囁嚅著說不出一句慰藉的話,至今仍覺愧怍。": 63,
    "先月から上司が変わって、毎朝会社に行くのがつらいです。誰にも相談できません。": 45,
    "이직한 뒤로 점심을 늘 혼자 먹어요. 별일 아닌데 자꾸 눈물이 나요.": 53,
    "he said yes 😭😭😭💍✨ i'm shaking 🥹👩‍👩‍👧 omg 🎉🎉": 50,
    "?!?! ... --- *** ((( ))) ::: ;;; ~~~ %%% $$$ @@@ #### ^^^ &&& === +++ ///": 30,
    "def f(x):\n    return {k: v for k, v in x.items() if v != 0}\n\nprint(f({'a': 1}))": 39,
    "https://forum.example.org/t/how-do-i-tell-them/48213?page=2&sort=new#post-17": 41,
    "WHY DOES NOBODY EVER LISTEN TO ME?? I TOLD THEM THREE TIMES ALREADY": 28,
}


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """A tokenizer for which every word and every sign is one token. Its file says to cut after four."""
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))  # noqa: S106 - no password
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=4)
    path = tmp_path / "tokenizer.json"
    tokenizer.save(str(path))
    return path


@pytest.mark.parametrize("text", COUNTED)
def test_that_the_estimate_is_never_shorter_than_the_longest_of_seven_tokenizers(text) -> None:
    assert Ruler()(text) >= COUNTED[text]


@pytest.mark.parametrize("text", COUNTED)
def test_that_the_estimate_is_at_most_six_tenths_too_long_where_there_are_words(text) -> None:
    most = 1.6 if any(character.isalpha() for character in text) else 2.1
    assert Ruler()(text) <= most * COUNTED[text]


def test_that_the_estimate_for_english_is_less_than_half_too_long() -> None:
    text, tokens = next(iter(COUNTED.items()))
    assert Ruler()(text) < 1.5 * tokens


@given(st.text(max_size=60))
def test_that_any_text_has_an_estimate_that_is_0_only_for_nothing(text) -> None:
    assert (Ruler()(text) == 0) == (text == "")


def test_that_a_lone_surrogate_is_counted_too() -> None:
    assert Ruler()("\ud800 a") > 0


def test_that_the_models_tokenizer_counts_where_it_is_known_and_whole_texts(words) -> None:
    assert Ruler(words)("I sat, and waited: nobody came.") == 9
    assert Ruler(words)("") == 0


def test_that_a_text_is_counted_once(words, monkeypatch) -> None:
    ruler = Ruler(words)
    counted: list[str] = []
    monkeypatch.setattr(ruler, "_count", lambda text: counted.append(text) or 3)
    assert [ruler("One."), ruler("Two."), ruler("One.")] == [3, 3, 3]
    assert counted == ["One.", "Two."]


def test_that_what_is_counted_is_the_prompts_copy(words) -> None:
    assert Ruler(words)("<|im_start|>") == Ruler(words)("< |im_start|>") == 4


@pytest.mark.parametrize("content", [None, "{}", "no tokenizer"])
def test_that_a_file_that_is_no_tokenizer_is_refused_at_once(tmp_path, content) -> None:
    path = tmp_path / "mine.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"HEARTLINE_LLM_TOKENIZER.*mine\.json.*tokenizer\.json"):
        create(SimpleNamespace(llm_tokenizer=path))
