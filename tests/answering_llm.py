"""An LLM server that answers whatever it is asked, for tests in which the number of requests is not the point.

    with AnsweringLLM(says="That sounds hard.") as server:
        ...  # talk to server.url
    assert server.bodies  # what it was asked

Bound questions get the first choice, or what `picks` chooses; a schema gets the words of `quotes`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

__all__ = ["AnsweringLLM"]


class AnsweringLLM:
    """See the module's docstring.

    Args:
        says: The reply to an unbound question.
        picks: Takes the choices and the request's body, gives one of them.
        quotes: Takes the request's body, gives the words for the property `quote`.
        first: Done before each answer, such as a wait; where it gives False the connection is closed without one.

    Attributes:
        bodies: Requests for an answer, in order.
    """

    def __init__(
        self,
        *,
        says: str = "That sounds hard. What happened then?",
        picks: Callable[[Sequence[str], Any], str] = lambda choices, _: choices[0],
        quotes: Callable[[Any], str] = lambda _: "",
        first: Callable[[], bool] = lambda: True,
    ) -> None:
        self.bodies: list[Any] = []
        self._lock = threading.Lock()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's
                """Say nothing."""

            def do_GET(self) -> None:
                self._send("application/json", json.dumps({"data": [{"id": "tiny", "max_model_len": 8192}]}))

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with owner._lock:
                    owner.bodies.append(body)
                if not first():
                    self.close_connection = True
                    return
                bound = body.get("structured_outputs", {})
                if "choice" in bound:
                    text = picks(bound["choice"], body)
                elif "json" in bound:
                    text = json.dumps({"quote": quotes(body)})
                else:
                    text = says
                usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
                about = {"id": "1", "created": 1, "model": "tiny", "usage": usage}
                if not body.get("stream"):
                    message = {"role": "assistant", "content": text}
                    choice = {"index": 0, "message": message, "finish_reason": "stop"}
                    self._send("application/json", json.dumps({**about, "choices": [choice]}))
                    return
                chunks = [
                    {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None},
                    {"index": 0, "delta": {}, "finish_reason": "stop"},
                ]
                events = [{**about, "object": "chat.completion.chunk", "choices": [one]} for one in chunks]
                lines = [f"data: {json.dumps(event)}\n\n" for event in events] + ["data: [DONE]\n\n"]
                self._send("text/event-stream", "".join(lines))

            def _send(self, kind: str, text: str) -> None:
                content = text.encode()
                self.send_response(200)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        """Base URL."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
