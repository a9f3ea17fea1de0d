"""`heartline exemplars build`: from dialogues in a file to examples that an agent finds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.build import build_agent
from agent.errors import DataError
from sem_plugins.exemplars.store import ExemplarStore
from tests.answering_llm import AnsweringLLM
from ui.exemplars import build

LOSS = "My grandmother died last week and the house is so quiet without her."
REPLY = "I am so sorry. What do you miss the most about her?"


def dialogues(path: Path, *said: tuple[str, str]) -> Path:
    rows = [
        {
            "dialogue_id": f"d{number}",
            "turns": [{"speaker": "seeker", "text": text}, {"speaker": "supporter", "text": reply}],
        }
        for number, (text, reply) in enumerate(said)
    ]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n{broken\n", encoding="utf-8")
    return path


async def test_that_what_was_built_stands_in_the_next_prompt_as_another_s_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = dialogues(
        tmp_path / "talks.jsonl", (LOSS, REPLY), ("I won the first prize in the baking contest!", "Wow!")
    )
    build([file], tmp_path / "examples.npz", per_dialogue=2, embedder="encoder", weights=None)
    out, err = capsys.readouterr()
    assert "1 examples" in out
    assert "talks.jsonl#line 3: Line 3" in err
    assert "too short or too long" in err
    with AnsweringLLM() as server:
        agent = build_agent(
            store="memory", llm_url=server.url, exemplars=tmp_path / "examples.npz", variant="hef+strategy+exemplars",
            two_stage="inline",
        )  # fmt: skip
        turn = await agent.respond("We buried my dad on Monday. I keep waiting for him to call me.")
    assert turn.failures == ()
    messages = [(message["role"], message["content"]) for message in server.bodies[-1]["messages"]]
    assert [role for role, _ in messages] == ["system", "user", "assistant", "user"]
    assert [content for _, content in messages[1:3]] == [LOSS, REPLY]


def test_that_a_file_without_a_dialogue_is_an_error_and_leaves_nothing(tmp_path: Path):
    (tmp_path / "empty.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(DataError, match="No exchange can be an example"):
        build([tmp_path / "empty.jsonl"], tmp_path / "e.npz", per_dialogue=2, embedder="encoder", weights=None)
    assert not (tmp_path / "e.npz").exists()


def test_that_building_again_replaces_the_file(tmp_path: Path):
    for said in ((LOSS, REPLY), ("My flat flooded and everything I own is wet.", REPLY)):
        file = dialogues(tmp_path / "talks.jsonl", said)
        build([file], tmp_path / "e.npz", per_dialogue=2, embedder="encoder", weights=None)
    assert [row.text for row in ExemplarStore.load(tmp_path / "e.npz").rows] == [said[0]]
