"""Settings, read once: arguments first, then the environment, then a file, then the defaults.

Environment variables are called `HEARTLINE_` and the name in capitals, e.g. `HEARTLINE_LLM_URL`.
The file is `heartline.toml` in the working folder, or the one that `HEARTLINE_CONFIG` names:

    llm_url = "http://127.0.0.1:8000/v1"
    planner = "rules"
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_data_path
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import SettingsError as UnparsableError

from agent.access import KeyLimits, Origin, Tenants
from agent.breaker import BreakerLimits
from agent.errors import SettingsError
from agent.options import VARIANTS, TwoStage
from agent.server_load import ServerLoad
from agent.setting_types import (
    Operations,
    OptionalPart,
    PageRules,
    Retention,
    StorePool,
    TurnOrder,
    profile_name,
    variant_name,
    web_address,
    written_out,
)

__all__ = ["Settings", "load_settings"]


class Settings(BaseSettings):
    """Everything that can be set. Names of parts are names of entry points; `"none"` leaves one out."""

    model_config = SettingsConfigDict(
        env_prefix="HEARTLINE_", extra="forbid", frozen=True, env_ignore_empty=True, hide_input_in_errors=True
    )

    llm_url: Annotated[str, AfterValidator(web_address)] | None = Field(
        None,
        description="Base URL of an OpenAI-compatible server; without one the offline responder answers.",
        repr=False,  # it may hold a password
    )
    llm_model: str | None = Field(None, description="Model name; without one the server's first model is taken.")
    llm_api_key: SecretStr | None = Field(None, description="Key for the server, if it wants one.")
    llm_timeout: float = Field(30.0, gt=0, description="Seconds of silence before the LLM counts as gone.")
    llm_deadline: float = Field(120.0, gt=0, description="Seconds for a whole reply.")
    llm_retries: int = Field(2, ge=0, le=10, description="Tries again before the first token.")
    llm_breaker: BreakerLimits = Field(
        BreakerLimits(), description="When a server that fails is left alone for a while; see docs/servers.md."
    )
    llm_temperature: float | None = Field(0.7, ge=0, le=2, description="Sampling temperature.")
    llm_max_tokens: int | None = Field(400, ge=1, description="Longest reply, in tokens.")
    llm_preset: Literal["vllm", "llama.cpp", "ollama", "openai"] | None = Field(
        None, description="Kind of server; without one it is found out by asking."
    )
    llm_context: int | None = Field(
        None, ge=256, description="Tokens that the model can hold; without it the server is asked."
    )
    llm_decisions: bool = Field(
        False, description="Have choices made by vLLM's decision endpoint (0.32 or newer), without generating."
    )
    llm_tokenizer: Path | None = Field(
        None, description="The model's `tokenizer.json`, to count tokens with; without it they are estimated."
    )

    plugins: tuple[str, ...] = Field(
        ("emotion", "expression", "affect", "cause", "strategy", "risk", "felt", "undertone"),
        description="Readers of a message.",
    )
    second_reader: OptionalPart = Field(
        "llm", description="Looks again where the readers are unsure, with the LLM where one is named."
    )
    tracker: OptionalPart = Field("filter", description="Follows the emotional state.")
    planner: OptionalPart = Field("rules", description="Chooses the support strategy.")
    counterweight: float = Field(
        0.0,
        ge=0,
        le=1,
        description="How much of supporters' habits the planners `predicted` and `blend` take out.",
    )
    generator: str = Field(
        "openai",
        description="What speaks: a server (`openai`, once `llm_url` is set), or an LLM in this process "
        "(`local`, with its folder as `llm_model`).",
    )
    composer: str = Field("sections", description="Writes the prompt.")
    verifier: OptionalPart = Field(None, description="Looks at a draft before the person sees it.")
    guard: OptionalPart = Field(
        "protocol", description="Keeps the record of risk, and looks at every sentence before it leaves."
    )
    help_lines: Annotated[str | None, BeforeValidator(written_out)] = Field(
        None,
        description="Directory of help lines in place of the shipped one: its name, or the path of a TOML file.",
    )
    policy: str = Field(
        "default", description="Policy pack of the place: its name, or the path of a file (docs/policies.md)."
    )
    country: str | None = Field(
        None, description="Where the people are (ISO 3166, e.g. GB): whose help lines are named."
    )
    reliance: bool = Field(
        True, description="Notice how much somebody leans on the conversation, and point to people and breaks."
    )
    minors: bool = Field(
        False, description="Treat everybody as a minor: reminders and breaks come as the policy asks for minors."
    )
    utc_offset: float | None = Field(
        None,
        ge=-12,
        le=14,
        description="Hours that people's clocks are ahead of UTC; without it no night is judged.",
    )
    handoff_at: Literal["never", "ideation", "plan", "acute"] = Field(
        "never", description="Step of the record of risk at which a person is called (see docs/handoff.md)."
    )
    handoff_url: Annotated[str, AfterValidator(web_address)] | None = Field(
        None, description="Where packets for a person are sent; without one they stay in the store.", repr=False
    )
    handoff_secret: SecretStr | None = Field(None, description="Signs packets; shared with whoever takes them.")
    store: str = Field(
        "sqlite",
        description="Keeps conversations: a name, or a URL, e.g. postgresql://user@host/talks (docs/storage.md).",
        repr=False,  # it may hold a password
    )
    persona: OptionalPart = Field(
        "calm", description="Temper and tone of the agent: a shipped one, or the path of a TOML file."
    )

    variant: Annotated[str, AfterValidator(variant_name)] = Field(
        "hef+strategy", description=f"What goes into the prompt: {', '.join(VARIANTS)}, or parts joined by `+`."
    )
    two_stage: TwoStage = Field("adaptive", description="How HEF's two stages are run.")
    widest_set: int = Field(
        6, ge=1, description="`adaptive` asks the LLM where more primary emotions than these are left."
    )
    llm_reads: tuple[str, ...] = Field(
        ("emotion", "cause"), description="Readings that the LLM makes where the readers cannot tell."
    )
    notes_place: Literal["first-system", "system-before-last"] = Field(
        "first-system", description="Where readings and plan stand in the prompt (see docs/prompts.md)."
    )
    exemplars: Path | None = Field(None, description="File of examples (`heartline exemplars build`).")
    exemplars_most: int = Field(3, ge=1, le=8, description="Most examples in a prompt.")
    embedder: str = Field(
        "encoder",
        description="Makes the vectors of examples; else a sentence-transformers model.",
    )
    stimulus: str = Field("none", description="Emotional stimulus in the prompt; see docs/prompts.md.")

    store_path: Path = Field(
        default_factory=lambda: user_data_path("heartline", appauthor=False) / "conversations.db",
        description="File of the SQLite store.",
    )
    store_pool: StorePool = Field(StorePool(), description="Connections to the store; see docs/storage.md.")
    tenant: str = Field("", description="Whose conversations, where several share a store.")
    retention_days: int | None = Field(
        None, ge=1, le=36_500, description="Days without use after which a conversation is erased."
    )
    retention: Retention = Field(Retention(), description="Days of other tenants; see docs/storage.md.")
    turn_order: TurnOrder = Field(TurnOrder(), description="Turns of one conversation; see docs/server.md.")
    redact_store: bool = Field(False, description="Keep conversations without personal data; see docs/privacy.md.")
    weights: Path | None = Field(None, description="Folder of other weights than the shipped ones.")
    data: Path | None = Field(None, description="Folder with prepared data sets, for training and evaluation.")
    history_turns: int = Field(24, ge=0, description="Turns of a conversation that are looked back on.")
    history_characters: int = Field(12_000, ge=0, description="Most characters of history in a prompt.")
    max_message_characters: int = Field(20_000, ge=1, description="Longest message that is accepted.")
    max_turns: int = Field(10_000, ge=1, description="Most turns of one conversation.")
    max_turns_per_minute: int = Field(60, ge=1, description="Most messages a minute in one conversation.")
    plugin_seconds: float = Field(5.0, gt=0, description="Seconds that reading one message may take.")
    batch: int = Field(
        1, ge=1, le=256, description="Most messages that readers get together where several come at once."
    )
    threads: int = Field(0, ge=0, description="Threads of the encoder; 0: as many as there are, up to four.")

    profiles: dict[Annotated[str, AfterValidator(profile_name)], dict[str, Any]] = Field(
        {}, description="Named settings that the server offers as models (docs/server.md).", repr=False
    )
    tenants: Tenants = Field({}, description="Profiles that each tenant may use (docs/server.md).")
    key_limits: KeyLimits = Field(KeyLimits(), description="Requests that the server takes (docs/limits.md).")
    allow_origins: tuple[Origin, ...] = Field(
        (), description="Origins of pages that may use the server from a browser, e.g. https://chat.example.org."
    )
    client_instructions: bool = Field(
        False, description="Whether system messages of the server's clients go into the prompt."
    )
    notices_in_content: bool = Field(
        True,
        description="Whether the server says notices (docs/policies.md) in the content of its answers, too, and "
        "what people write there who take a conversation over.",
    )
    server_load: ServerLoad = Field(
        ServerLoad(), description="Turns that the server runs and has wait; see docs/server.md."
    )
    turn_deadline: float | None = Field(
        None, gt=0, description="Seconds after which the server has the fallback answer; a request may set less."
    )
    page: PageRules = Field(PageRules(), description="What visitors of the page may do (docs/page.md).")
    max_body_bytes: int = Field(2_000_000, ge=1_000, description="Longest request that the server accepts.")
    operations: Operations = Field(Operations(), description="Logs, metrics and traces; see docs/operations.md.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is the library's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, environment, file."""
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=_config_file()))


def _config_file() -> Path | None:
    named = os.environ.get("HEARTLINE_CONFIG")
    if named:
        if not Path(named).is_file():
            raise SettingsError(f"HEARTLINE_CONFIG names {named!r}, which is no file. Unset it, or make the file.")
        return Path(named)
    return Path("heartline.toml")


def load_settings(**given: Any) -> Settings:
    """Settings from arguments, environment and file.

    Args:
        **given: What overrides everything else. None means: not given.

    Raises:
        SettingsError: Something is unusable; each problem is named with its cure.
    """
    given = {name: value for name, value in given.items() if value is not None}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise SettingsError("\n".join(_problem(problem) for problem in error.errors())) from None
    except UnparsableError as error:
        example = """HEARTLINE_PLUGINS='["emotion", "risk"]'"""
        raise SettingsError(f"{error}. Lists are written as JSON, e.g. {example}.") from None
    except RecursionError:
        raise SettingsError(
            f"A setting of the environment (HEARTLINE_…) or of {_config_file()} is nested too deeply. "
            "Settings are texts, numbers and plain lists."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{_config_file()} is not valid TOML: {error}.") from error
    if "store_path" in given and "store" not in given and "://" in settings.store:
        # Who names a file does not mean the server that the environment or a file of settings names.
        return settings.model_copy(update={"store": "sqlite"})
    return settings


_UNSHOWN = frozenset({"llm_api_key", "llm_url", "handoff_url", "handoff_secret", "profiles", "store"})


def _problem(problem: Any) -> str:
    name = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"No setting is called `{name}`. There are: {', '.join(Settings.model_fields)}."
    shown = "" if name.partition(".")[0] in _UNSHOWN else f" is {problem['input']!r}:"
    return f"Setting `{name}` (HEARTLINE_{name.partition('.')[0].upper()}){shown} {problem['msg']}."
