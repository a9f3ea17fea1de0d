"""What went wrong with an LLM server, in words of ours: what a server says may repeat what the person wrote."""

from __future__ import annotations

import re

__all__ = ["DOCTOR", "cause", "misbehaviour", "overflow"]

DOCTOR = "`heartline doctor` checks it."

_ADVICE = {
    400: "Perhaps the prompt does not fit its context: lower `history_characters` or `llm_max_tokens`.",
    401: "Check `llm_api_key` (HEARTLINE_LLM_API_KEY).",
    403: "Check `llm_api_key` (HEARTLINE_LLM_API_KEY).",
    404: "Check `llm_model`, and whether `llm_url` ends in `/v1`; `heartline doctor` lists the models.",
    413: "The prompt is too long for it: lower `history_characters`.",
    422: "Perhaps the prompt does not fit its context: lower `history_characters` or `llm_max_tokens`.",
    429: "It has too much to do; try later, or raise `llm_retries`.",
}

_TOO_LONG = re.compile(
    r"maximum\s(?:context|model)\s+length|max_model_len|context[_ ](?:length|size|window)"
    r"|(?:prompt|input) (?:is )?too long|max_new_tokens` must be",
    re.IGNORECASE,
)
"""vLLM and OpenAI · vLLM · Ollama, llama.cpp and OpenAI · Ollama · TGI."""

_LIMIT = re.compile(
    r"(?:maximum\s(?:context|model)\s+length(?: is| of)?|max_model_len|available context size"
    r"|context length(?: of only)?|must be <=) \(?(\d{1,9})(?!\d)",
    re.IGNORECASE,
)
_SANE = range(64, 100_000_001)  # more is a slip, and less leaves no room for a reply
_READ = 2000  # characters of an error that are looked at


def overflow(error: Exception) -> tuple[bool, int | None]:
    """Whether a server refused a prompt as too long, and how many tokens it says that it holds, if it does.

    Only what OpenAI's form calls message, type and code is looked at: other parts may repeat the prompt.
    """
    import openai

    # llama.cpp has answered with 500, too. Errors within a stream have no status.
    status = getattr(error, "status_code", None)
    if not isinstance(error, openai.APIError) or status not in {None, 400, 413, 422, 500}:
        return False, None
    body: object = error.body
    told = body if isinstance(body, dict) else {"message": body}
    said = " ".join(str(told.get(key) or "") for key in ("message", "type", "code"))[:_READ]
    if status != 413 and not _TOO_LONG.search(said):  # noqa: PLR2004 - 413 means just this
        return False, None
    limits = [*(int(number) for number in _LIMIT.findall(said)), told.get("n_ctx")]
    return True, next((limit for limit in limits if isinstance(limit, int) and limit in _SANE), None)


def misbehaviour(error: Exception, *, kind: str) -> str:
    """What a server did that did answer.

    Args:
        error: What openai, httpx2 or LangChain made of it.
        kind: Content type of the answer where a stream of events was due; empty where nobody looked.
    """
    import openai

    match error:
        case openai.APIStatusError(status_code=status) if 300 <= status < 400:  # noqa: PLR2004 - HTTP's redirects
            return (
                f"redirects (HTTP {status}), which is not followed: "
                "set `llm_url` (HEARTLINE_LLM_URL) to where it really is."
            )
        case openai.APIStatusError(status_code=status):
            return f"answered with HTTP {status}. {_ADVICE.get(status, f'Look at its log. {DOCTOR}')}"
        case openai.APIConnectionError():
            return f"broke off in the middle of its reply. Look at its log. {DOCTOR}"
        case openai.APIError():
            return "reported an error in place of a whole reply. Look at its log."
    if kind != "text/event-stream" and re.fullmatch(r"[\w.+-]{1,40}/[\w.+-]{1,40}", kind):
        return (
            f"answered with {kind} where a stream of events was due. "
            f"Is it an OpenAI-compatible server, and does `llm_url` end in `/v1`? {DOCTOR}"
        )
    return (
        f"sent something that cannot be read as a reply ({type(error).__name__}). "
        f"Is it an OpenAI-compatible server? {DOCTOR}"
    )


def cause(error: BaseException) -> str:
    """What the operating system said, e.g. that a name is unknown or a certificate is bad."""
    import httpx2

    while error.__cause__ is not None:
        error = error.__cause__
        if isinstance(error, httpx2.ConnectError):
            return f" ({error})" if str(error) else ""
    return ""
