"""An LLM server that knows nothing and streams at a fixed pace: `python -m evals.load.fake_llm`.

What it says depends on the last message alone, so that the same message gets the same reply of whoever asks. A
message with the words of `HOLD` is answered with one sentence, and then the stream is held open.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import zlib
from typing import Any

__all__ = ["FIRST_SECONDS", "HOLD", "TOKEN_SECONDS", "reply_to"]

HOLD = "Please stay on the line with me."
FIRST_SECONDS = 0.1
TOKEN_SECONDS = 0.02
"""Between tokens: fifty a second, as a small model on one GPU speaks to each of several people."""

_SENTENCES = (
    "That sounds like a lot to carry at once.",
    "I can see why it stays on your mind in the evenings.",
    "You gave it more thought than most people would.",
    "It makes sense that you feel both things at the same time.",
    "There is no hurry to decide anything tonight.",
    "What part of it comes back to you most often?",
    "Perhaps somebody who was there would like to hear it too.",
    "You noticed it, and that is already something.",
)
_HELD = "I am here. And "  # the guard lets a sentence through when another one begins
_PIECE = re.compile(r"\S+\s*")


def reply_to(message: str) -> list[str]:
    """The tokens of the reply to a message: two to five sentences."""
    draw = random.Random(zlib.crc32(message.encode()))
    said = " ".join(draw.sample(_SENTENCES, draw.randint(2, 5)))
    return _PIECE.findall(said)


async def _serve(port: int) -> None:
    server = await asyncio.start_server(_answer_all, "127.0.0.1", port, backlog=2048)
    print(f"Speaking at http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)  # noqa: T201
    async with server:
        await server.serve_forever()


async def _answer_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = re.search(r"^content-length:\s*(\d+)", head, re.MULTILINE)
            body = await reader.readexactly(int(length[1]) if length else 0)
            await _answer(head.split(" ", 2)[1], json.loads(body) if body else {}, reader, writer)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # whoever asked has gone
    finally:
        writer.close()


async def _answer(path: str, body: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if path.endswith("/models"):
        await _json(writer, 200, {"object": "list", "data": [{"id": "tiny", "object": "model"}]})
    elif not path.endswith("/chat/completions"):
        await _json(writer, 404, {"error": {"message": "There is no such path.", "code": "not_found"}})
    else:
        said = body["messages"][-1]["content"]
        if body.get("stream"):
            await _stream(said, reader, writer)
        else:
            message = {"role": "assistant", "content": "".join(reply_to(said))}
            await _json(
                writer, 200, {**_FRAME, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
            )


_FRAME = {"id": "fake", "object": "chat.completion", "created": 0, "model": "tiny"}


async def _stream(said: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    held = HOLD in said
    clock = asyncio.get_running_loop()
    due = clock.time() + FIRST_SECONDS
    for piece in _PIECE.findall(_HELD) if held else reply_to(said):
        # Until a fixed time, so that a token that came late does not delay those after it.
        await asyncio.sleep(due - clock.time())
        due += TOKEN_SECONDS
        _event(writer, {"role": "assistant", "content": piece}, None)
        await writer.drain()
    if held:
        await reader.read(1)  # until whoever asked goes
        raise ConnectionResetError
    _event(writer, {}, "stop")
    writer.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
    await writer.drain()


def _event(writer: asyncio.StreamWriter, delta: dict[str, str], finish: str | None) -> None:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    data = f"data: {json.dumps({**_FRAME, 'object': 'chat.completion.chunk', 'choices': [choice]})}\n\n".encode()
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")


async def _json(writer: asyncio.StreamWriter, status: int, told: Any) -> None:
    content = json.dumps(told).encode()
    head = f"HTTP/1.1 {status} Told\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    writer.write(head.encode() + content)
    await writer.drain()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--port", type=int, default=0)
    asyncio.run(_serve(arguments.parse_args().port))
