"""An LLM server from the outside: how it is reached, what it serves, and what went wrong with it."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from agent.addresses import web_parts
from agent.breaker import Breaker, BreakerLimits, breaker_of
from agent.certificates import authorities
from agent.errors import (
    GenerationError,
    LLMResponseError,
    LLMUnreachableError,
    PromptTooLongError,
    SettingsError,
)
from agent.misbehaviour import DOCTOR, cause, misbehaviour, overflow
from agent.tracing import pass_on

if TYPE_CHECKING:
    import httpx2
    import openai

    from agent.settings import Settings

__all__ = ["LLMServer", "ServerReport", "probe"]

# Whatever else is on a request was put there by a library from the environment (organisation,
# project, custom headers, another Authorization) or tells of the machine.
_HEADERS_SENT = frozenset(
    {"accept", "accept-encoding", "connection", "content-length", "content-type", "host", "user-agent"}
)


@dataclass(frozen=True, slots=True)
class ServerReport:
    """What `probe` found.

    Attributes:
        url: Base URL without credentials and query.
        reachable: Something answered there, be it an error.
        models: Ids of the models served, in the server's order.
        milliseconds: How long the answer took, or how long until it was clear that none comes.
        problem: What is wrong and what to do; None where all is well.
    """

    url: str
    reachable: bool
    models: tuple[str, ...]
    milliseconds: float
    problem: str | None


class LLMServer:
    """Where the LLM is and how it is reached: by these arguments, whatever the environment says.

    Proxies, keys and headers from environment variables are not used, and redirects are not
    followed: the person's words go to `url` and nowhere else. (Certificates are: SSL_CERT_FILE
    names the authorities to trust.)

    Args:
        url: Base URL, e.g. `"http://127.0.0.1:8000/v1"`. Credentials and a query in it are sent
            and never shown.
        api_key: Sent as a bearer token; None sends none.
        timeout: Seconds of silence before the server counts as gone.
        deadline: Seconds for a whole reply.
        retries: Tries again before the first token.
        limits: When it counts as gone.
        trace_content: Whether spans (`agent.tracing`) hold what is said.

    Attributes:
        base: The URL without credentials and query; safe to show.
        breaker: Goes around calls for turns; shared in this process by all with this base and these limits.
        query: The query, sent with every request.

    Raises:
        SettingsError: `url` is not usable. It is not in the message: it may hold a password.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        timeout: float = 30.0,
        deadline: float = 120.0,
        retries: int = 2,
        limits: BreakerLimits = BreakerLimits(),  # noqa: B008 - frozen
        trace_content: bool = False,
    ) -> None:
        parts = web_parts(url)
        if parts is None:
            raise SettingsError(
                "Setting `llm_url` (HEARTLINE_LLM_URL) is not a usable web address. "
                "Write it like `http://127.0.0.1:8000/v1`."
            )
        self.base = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
        self.query = dict(parse_qsl(parts.query))
        self.timeout, self.deadline, self.retries = timeout, deadline, retries
        self.breaker: Breaker = breaker_of(self.base, limits)
        self.trace_content = trace_content
        self._authorization = f"Bearer {api_key}" if api_key else None
        if parts.username or parts.password:
            pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
            self._authorization = f"Basic {b64encode(pair.encode()).decode()}"

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The server that the `llm_…` attributes of `agent.settings.Settings` name."""
        key = settings.llm_api_key
        return cls(
            settings.llm_url or "",
            api_key=key.get_secret_value() if key else None,
            timeout=settings.llm_timeout,
            deadline=settings.llm_deadline,
            retries=settings.llm_retries,
            limits=settings.llm_breaker,
            trace_content=settings.operations.trace_content,
        )

    def connect(self) -> httpx2.AsyncClient:
        """A client for one reply. It belongs to the running event loop; close it there."""
        import httpx2

        return httpx2.AsyncClient(
            verify=authorities(),
            trust_env=False,
            follow_redirects=False,
            event_hooks={"request": [self._undress]},
        )

    async def _undress(self, request: httpx2.Request) -> None:
        for name in set(request.headers) - _HEADERS_SENT:
            del request.headers[name]
        pass_on(request.headers)
        if self._authorization:
            request.headers["authorization"] = self._authorization

    def client(self, http: httpx2.AsyncClient) -> openai.AsyncOpenAI:
        """A client of `openai` on top of one from `connect`; it retries and reads streams."""
        import openai

        return openai.AsyncOpenAI(
            base_url=self.base,
            api_key="unused",  # `_undress` sets the real one
            default_query=self.query,
            http_client=http,
            timeout=self.timeout,  # here, since it takes httpx2's 5 s for unset and waits 600
            max_retries=self.retries,
        )

    async def models(self, http: httpx2.AsyncClient, *, retries: int | None = None) -> tuple[str, ...]:
        """Ids of the models it serves, in its order; empty where it serves none.

        Args:
            http: From `connect`.
            retries: Tries again; None takes the server's own number.

        Raises:
            LLMUnreachableError: No connection, or no answer in time.
            LLMResponseError: It answered with an error, or not with a list of models.
        """
        client = self.client(http).with_options(max_retries=self.retries if retries is None else retries)
        try:
            body = await client.get("/models", cast_to=object)
        except Exception as error:  # noqa: BLE001 - a lying server breaks the library in many ways
            raise self.failure(error) from None
        listed = body.get("data") if isinstance(body, dict) else None
        if not isinstance(listed, list):
            raise LLMResponseError(
                f"The LLM server at {self.base} does not answer `/models` with a list of models. "
                "Is it an OpenAI-compatible server, and does `llm_url` end in `/v1`?"
            )
        ids = (entry.get("id") for entry in listed if isinstance(entry, dict))
        return tuple(name for name in ids if isinstance(name, str) and name)

    async def first_model(self, http: httpx2.AsyncClient, *, retries: int | None = None) -> str:
        """The model that is taken where none is named.

        Args:
            http: From `connect`.
            retries: As for `models`.

        Raises:
            LLMUnreachableError, LLMResponseError: As `models`; the latter, too, where it serves no model.
        """
        served = await self.models(http, retries=retries)
        if not served:
            raise LLMResponseError(
                f"The LLM server at {self.base} serves no model. "
                "Load one into it, or name one in `llm_model` (HEARTLINE_LLM_MODEL)."
            )
        return served[0]

    @property
    def limit_name(self) -> str:
        """The field that bounds the tokens of a reply."""
        # Ollama and older llama.cpp ignore `max_completion_tokens`, the name that LangChain sends, and
        # write without end (ollama/ollama#7125); OpenAI's newer models refuse `max_tokens`.
        host = urlsplit(self.base).hostname or ""
        return "max_completion_tokens" if host.endswith(("openai.com", "openai.azure.com")) else "max_tokens"

    def failure(
        self, error: Exception, *, model: str | None = None, begun: bool = False, answered_with: str | None = None
    ) -> GenerationError:
        """Our own error for whatever httpx2, openai or LangChain raised.

        Raise it `from None`: the original often holds the server's answer, which may repeat what
        the person wrote, and would be printed with the traceback.

        Args:
            error: What was raised.
            model: The model that was asked for.
            begun: Whether a part of the reply had come.
            answered_with: Content type of the answer, where one came.
        """
        import openai

        server = f"The LLM server at {self.base}" + (f" (model {model!r})" if model else "")
        kind = (answered_with or "").partition(";")[0].strip().lower()
        too_long, limit = overflow(error)
        if too_long and not begun:
            status = getattr(error, "status_code", None)
            text = "refused the prompt as too long" + (f" (HTTP {status})" if status else "")
            text += f": it holds {limit} tokens." if limit else "."
            cure = "Lower `history_characters` or `llm_max_tokens`, or start it with a longer context."
            return PromptTooLongError(f"{server} {text} {cure}", limit=limit)
        unreachable = True
        match error:
            case openai.APITimeoutError():
                text = (
                    f"was silent for {self.timeout:g} s. Is it overloaded, or still loading? {DOCTOR} "
                    "To wait longer, raise `llm_timeout` (HEARTLINE_LLM_TIMEOUT)."
                )
            case TimeoutError():
                text = (
                    f"did not finish within {self.deadline:g} s. Is it overloaded? {DOCTOR} "
                    "To wait longer, raise `llm_deadline` (HEARTLINE_LLM_DEADLINE)."
                )
            case openai.APIConnectionError() if not begun:
                text = f"cannot be reached{cause(error)}. Is the server running? {DOCTOR}"
            case _:
                unreachable = False
                text = misbehaviour(error, kind=kind)
        if unreachable:
            return LLMUnreachableError(f"{server} {text}")
        answered = LLMResponseError(f"{server} {text}")
        answered.status = getattr(error, "status_code", None)
        return answered


async def probe(settings: Settings) -> ServerReport:
    """Ask the LLM server which models it serves, once and without retries.

    Args:
        settings: With the `llm_…` attributes of `agent.settings.Settings`.

    Raises:
        SettingsError: `llm_url` is missing or unusable. What the server does is never raised.
    """
    server = LLMServer.from_settings(settings)
    models: tuple[str, ...] = ()
    reachable, problem = True, None
    started = time.perf_counter()
    try:
        # Twice: once to connect and once to answer.
        async with asyncio.timeout(2 * server.timeout), server.connect() as http:
            models = await server.models(http, retries=0)
    except LLMUnreachableError as error:
        reachable, problem = False, str(error)
    except GenerationError as error:
        problem = str(error)
    except TimeoutError:  # it drips, so that no single wait is too long
        problem = f"The LLM server at {server.base} did not finish within {2 * server.timeout:g} s."
    else:
        problem = _lacks(server, models, settings.llm_model)
    return ServerReport(server.base, reachable, models, 1000 * (time.perf_counter() - started), problem)


def _lacks(server: LLMServer, models: tuple[str, ...], wanted: str | None) -> str | None:
    if not models:
        return f"The LLM server at {server.base} serves no model. Load one into it."
    if wanted and not {wanted, f"{wanted}:latest"} & set(models):  # Ollama adds the tag
        choices = ", ".join(models)
        return f"The LLM server at {server.base} does not list `llm_model` {wanted!r}. It has: {choices}."
    return None
