"""Running: the file that is left, its signature, and two runs side by side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.errors import DataError, SettingsError
from agent.settings import load_settings
from evals.ask import LLM
from evals.compare import compare
from evals.hef.arms import BASE
from evals.result import Result, read_result, write_result
from evals.run import EncoderKit, evaluate
from evals.signature import differences
from evals.task import Answers, Sample
from tests.evals.small_sets import small_sets, task, task_names


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_sets(tmp_path_factory.mktemp("sets"))


@pytest.fixture
def folder(sets: Path, few_draws: None) -> Path:
    """What tests run tasks on. Those that are about differences have samples of their own, and all draws."""
    return sets


@pytest.fixture(scope="module")
def kit() -> EncoderKit:
    return fresh()


def fresh() -> EncoderKit:
    """One that has read nothing yet."""
    return EncoderKit(load_settings(), progress=False)


def ran(name: str, folder: Path, kit: EncoderKit, split: str = "valid", **options: object) -> Result:
    system = options.pop("system", None) or task(name).systems[0]
    [result] = evaluate(task(name), folder, split, kit=kit, systems=[system], **options)
    return result


@pytest.mark.parametrize("name", task_names())
def test_that_a_task_runs_with_the_shipped_weights(folder: Path, kit: EncoderKit, name: str):
    if task(name).systems[0] in {LLM, BASE}:
        pytest.skip("only an LLM answers it: test_eval_ask, test_perplexity, test_hef")
    result = ran(name, folder, fresh())
    assert len(result.samples) == result.signature["n"] == len(task(name).samples(folder, "valid"))
    assert result.metrics
    for metric, figure in result.metrics.items():
        assert set(figure) in ({"value", "low", "high", "n", "unscored"}, {"value", "n", "unscored"}), metric
        assert figure["unscored"] == 0
    json.dumps(result.samples)


def test_that_a_result_comes_back_from_its_file(tmp_path: Path, folder: Path, kit: EncoderKit):
    result = ran("esconv/next-strategy", folder, kit)
    write_result(tmp_path / "new" / "run.json", result)
    assert read_result(tmp_path / "new" / "run.json") == result
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["run.json"]


def test_that_the_same_run_gives_the_same_file(tmp_path: Path, folder: Path):
    for name in ("one", "two"):
        write_result(tmp_path / name, ran("empathetic-dialogues/dialogue", folder, fresh()))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_that_no_words_of_people_are_in_a_result(tmp_path: Path, folder: Path, kit: EncoderKit):
    for name in ("esconv/next-strategy", "reccon/span", "se-emotion-causes"):
        write_result(tmp_path / "run.json", ran(name, folder, fresh()))
        text = (tmp_path / "run.json").read_text(encoding="utf-8")
        assert not any(word in text for word in ("leaks", "storm", "soup", "oven", "flaky"))


def test_that_a_split_without_train_leaves_out_the_floors_of_train_and_says_so(tmp_path: Path, kit: EncoderKit):
    small_sets(tmp_path)
    (tmp_path / "esconv" / "train.jsonl").unlink()
    result = ran("esconv/next-strategy", tmp_path, fresh())
    assert set(result.floors) == {"uniform"}
    assert [note for note in result.notes if note.startswith("floor 'majority' left out: No file 'train.jsonl'")]


def test_that_a_metric_that_is_not_defined_is_left_out_and_named(folder: Path, kit: EncoderKit):
    result = ran("esconv/next-strategy", folder, kit)
    assert "preference_bias" not in result.floors["majority"]
    assert any(note.startswith("floor 'majority': preference_bias left out") for note in result.notes)


def test_that_several_systems_answer_the_same_samples_beside_the_same_floors(folder: Path, kit: EncoderKit):
    sem, rules = evaluate(task("esconv/next-strategy"), folder, "valid", kit=kit, systems=["sem", "rules"])
    assert [one.signature["system"] for one in (sem, rules)] == ["sem", "rules"]
    assert [row["id"] for row in sem.samples] == [row["id"] for row in rules.samples]
    assert sem.floors == rules.floors
    assert sem.metrics != rules.metrics


def test_that_a_planner_answers_by_its_name(folder: Path, kit: EncoderKit):
    result = ran("esconv/next-strategy", folder, kit, system="rules")
    assert result.signature["system"] == "rules"
    assert all(set(row["answer"]) == {"label", "probabilities"} for row in result.samples)


def test_that_an_unknown_system_is_named_with_those_that_there_are(folder: Path, kit: EncoderKit):
    with pytest.raises(SettingsError, match=r"No planner 'oracle'\. Systems: sem, .*rules"):
        ran("esconv/next-strategy", folder, kit, system="oracle")


def test_that_an_unknown_task_is_named_with_those_that_there_are():
    with pytest.raises(SettingsError, match=r"No task is called 'mood'\. Registered are: cssrs, .*goemotions"):
        task("mood")


def test_that_an_id_that_stands_there_twice_is_named(tmp_path: Path, kit: EncoderKit):
    small_sets(tmp_path)
    path = tmp_path / "goemotions" / "valid.jsonl"
    path.write_text(path.read_text(encoding="utf-8") * 2, encoding="utf-8")
    with pytest.raises(DataError, match=r"goemotions/valid\.jsonl: id 'Thank you, number 0' .* \(5 such ids\)"):
        ran("goemotions", tmp_path, kit)


def test_that_too_few_dialogues_for_an_interval_are_an_error_that_says_what_to_do(folder: Path, kit: EncoderKit):
    with pytest.raises(DataError, match=r"1 dialogue for emobank; intervals need at least 2.*higher `--limit`"):
        ran("emobank", folder, kit, limit=1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not JSON"),
        ('{"task": "x"}', "is no result file: signature, metrics, floors, samples missing"),
        (
            '{"task": "x", "signature": {}, "metrics": {}, "floors": {}, "samples": [], "format": 9}',
            "has format 9, this version reads 1",
        ),
    ],
)
def test_that_a_file_that_is_no_result_is_refused(tmp_path: Path, content: str, said: str):
    (tmp_path / "run.json").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        read_result(tmp_path / "run.json")
    with pytest.raises(DataError, match="cannot be read"):
        read_result(tmp_path / "none.json")


# Two runs


def result_of(samples: list[Sample], answers: Answers, **signature: object) -> Result:
    rows = [
        {"id": s.id, "group": s.group, "truth": s.truth, "answer": a}
        for s, a in zip(samples, answers, strict=True)
    ]
    metrics = {"accuracy": {"value": 0.0, "low": 0.0, "high": 0.0, "n": len(samples), "unscored": 0}}
    return Result(
        "esconv/next-strategy", {"split": "valid", "n": len(samples), **signature}, metrics, {}, [], rows
    )


SAMPLES = [Sample(str(n), f"talk {n // 2}", (), "question" if n % 2 else "others") for n in range(80)]
RIGHT: Answers = [{"label": sample.truth} for sample in SAMPLES]
HALF: Answers = [{"label": "question"}] * len(SAMPLES)


def differing(one: Answers, other: Answers, **options: bool):
    return compare(
        task("esconv/next-strategy"),
        result_of(SAMPLES, one),
        result_of(SAMPLES, other),
        samples=SAMPLES,
        **options,
    )


def test_that_a_clear_difference_has_an_interval_away_from_zero_and_a_small_p():
    (found,) = differing(HALF, RIGHT)
    assert (found.metric, found.first, found.second) == ("accuracy", 0.5, 1.0)
    assert found.value == 0.5
    assert found.low == found.high == 0.5  # in every dialogue the same half is won
    assert found.p < 0.01


def test_that_equal_runs_differ_by_nothing_and_chance_does_as_well():
    (found,) = differing(HALF, HALF)
    assert (found.value, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_that_a_small_difference_is_not_called_sure():
    better = [*RIGHT[:1], *HALF[1:]]
    (found,) = differing(HALF, better)
    assert found.value == pytest.approx(1 / 80)
    assert found.low == 0
    assert found.p > 0.5


def test_that_what_one_run_left_open_counts_for_neither():
    (found,) = differing([None, *HALF[1:]], [*RIGHT[:40], *HALF[40:]])
    assert found.first == pytest.approx(40 / 79)


def test_that_runs_on_other_data_are_not_put_side_by_side_unless_forced():
    one, other = (result_of(SAMPLES, RIGHT, data_sha256=hash_) for hash_ in ("aa", "bb"))
    options = {"samples": SAMPLES}
    with pytest.raises(DataError, match=r"cannot be compared\. data_sha256: 'aa' and 'bb'\. `--force`"):
        compare(task("esconv/next-strategy"), one, other, **options)
    assert compare(task("esconv/next-strategy"), one, other, force=True, **options)


def test_that_runs_with_other_samples_are_refused():
    one, other = result_of(SAMPLES, RIGHT), result_of(SAMPLES[:60], RIGHT[:60])
    other = Result(other.task, one.signature, other.metrics, {}, [], other.samples)
    with pytest.raises(DataError, match="Of 80 and 60 samples only 60 are in both runs"):
        compare(task("esconv/next-strategy"), one, other, samples=SAMPLES)


def test_that_another_system_or_other_weights_may_be_compared():
    assert differences({"n": 5, "system": "sem"}, {"n": 5, "system": "rules", "weights": "x"}) == []
    assert differences({"n": 5, "split": "valid"}, {"n": 6, "split": "test"}) == [
        "split: 'valid' and 'test'",
        "n: 5 and 6",
    ]
