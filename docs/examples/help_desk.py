"""A help desk: an agent of LangChain's that looks things up and calls a person, with Heartline around it.

    python docs/examples/help_desk.py --llm http://127.0.0.1:8000/v1

Any OpenAI-compatible server that can call tools will do (vLLM: `--enable-auto-tool-choice --tool-call-parser …`).
What is looked up lies in `help_centre/`; calls for a person are appended to `calls.jsonl` in the working folder.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain.tools import ToolRuntime
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool, tool
from langchain_core.vectorstores import InMemoryVectorStore
from langgraph.checkpoint.memory import InMemorySaver

from heartline import EmpathyMiddleware
from sem_plugins.vectors import encoder_vectors

PAGES = Path(__file__).parent / "help_centre"
PROMPT = (
    "You answer for a small web shop. Look up what the help centre says before you say what holds, and say nothing "
    "about orders that it does not say. Where it does not help, or the person asks for somebody, call a person."
)


class HelpVectors(Embeddings):
    """Vectors of the encoder that Heartline ships: nothing to download, no key."""

    def __init__(self) -> None:
        self._embed, _ = encoder_vectors()

    def embed_query(self, text: str) -> list[float]:
        return self._embed(text).tolist()

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]


def help_tool(folder: Path = PAGES) -> BaseTool:
    """A tool that finds pages of the help centre."""
    pages = InMemoryVectorStore(HelpVectors())
    pages.add_documents(
        [Document(path.read_text("utf-8"), metadata={"page": path.name}) for path in sorted(folder.glob("*.md"))]
    )

    @tool
    def search_help_centre(question: str) -> str:
        """Finds what the help centre says about a question. Ask in a few plain words."""
        found = pages.similarity_search(question, k=2)
        return "\n\n".join(f"[{page.metadata['page']}]\n{page.page_content}" for page in found)

    return search_help_centre


def person_tool(call: Callable[[dict[str, Any]], None]) -> BaseTool:
    """A tool that calls a colleague, and tells them how the person seems to be."""

    @tool
    def call_a_person(reason: str, runtime: ToolRuntime) -> str:
        """Asks a colleague to take over. Say why in one sentence."""
        turn = runtime.state["heartline"]["turn"]  # what the middleware understood
        valence = None if turn["state"] is None else turn["state"]["affect"]["valence"]
        call({"reason": reason, "valence": valence, "strategy": turn["plan"] and turn["plan"]["chosen"]["id"]})
        return "A colleague will write to them within the hour."

    return call_a_person


def help_desk(model: BaseChatModel, call: Callable[[dict[str, Any]], None], **settings: Any) -> Any:
    """The agent.

    Args:
        model: Speaks and calls the tools.
        call: Takes what a colleague is told.
        **settings: Of Heartline, e.g. `country="GB"`, whose help lines are named.
    """
    return create_agent(
        model,
        [help_tool(), person_tool(call)],
        system_prompt=PROMPT,
        middleware=[EmpathyMiddleware(**settings)],
        checkpointer=InMemorySaver(),
    )


def answers(desk: Any, text: str, thread: str = "desk") -> Iterator[str]:
    """The reply to one message as it comes. Each sentence was looked at before it gets here."""
    asked = {"messages": [{"role": "user", "content": text}]}
    for message, about in desk.stream(asked, {"configurable": {"thread_id": thread}}, stream_mode="messages"):
        if about["langgraph_node"] != "tools" and message.text:
            yield message.text


def main() -> None:
    parser = argparse.ArgumentParser(description="A help desk at the terminal. An empty line ends it.")
    parser.add_argument("--llm", required=True, help="base URL of an OpenAI-compatible server that can call tools")
    parser.add_argument("--model", default="", help="name of the model, where the server wants one")
    parser.add_argument("--country", help="whose help lines are named, e.g. GB")
    given = parser.parse_args()

    from langchain_openai import ChatOpenAI

    def call(told: dict[str, Any]) -> None:
        with Path("calls.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(told) + "\n")

    model = ChatOpenAI(base_url=given.llm, model=given.model, api_key="unused", use_responses_api=False)
    desk = help_desk(model, call, country=given.country)
    while text := input("> ").strip():
        for piece in answers(desk, text):
            print(piece, end="", flush=True)
        print()


if __name__ == "__main__":
    main()
