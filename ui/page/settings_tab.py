"""The tab in which visitors choose, test an LLM, and take or delete what is theirs."""

from __future__ import annotations

import asyncio
import json
import unicodedata
from dataclasses import asdict, fields, replace
from typing import Any

import gradio as gr

from agent.errors import HeartlineError
from agent.features import ServerFeatures, find_features
from agent.probe import LLMServer, probe
from agent.safety.help_lines import UNKNOWN
from agent.safety.policies import load_policy
from ui.page import own_data
from ui.page.answering import Trouble, trouble_of
from ui.page.markup import filled
from ui.page.tab import QUICK, Page, Tab, visitor_of
from ui.page.visitor import Choices, Visitor

__all__ = ["TAB"]

_ACTS = "heartlineForm(element, data => trigger('act', data))"
_TEST_SECONDS = 60.0  # a server that drips may take no longer
_SAVE = """text => {
  if (!text) return;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  link.download = 'heartline.json';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}"""

Updates = dict[Any, Any]


class SettingsTab:
    """Components of the tab, and what happens when they are used.

    Args:
        page: It belongs to.
    """

    def __init__(self, page: Page) -> None:
        self.page, self.desk, self.texts = page, page.desk, page.texts
        with gr.Column(elem_id="settings"):
            self.form = gr.HTML("", js_on_load=_ACTS, apply_default_css=False)
            self.told = gr.HTML("", apply_default_css=False, elem_id="told")
            self.data = gr.Textbox("", visible="hidden", show_label=False, container=False)
        page.blocks.load(self.open_page, page.visitor, self.form, **QUICK)
        acted = self.form.act(
            self.act,
            page.visitor,
            [page.visitor, page.here, self.form, self.told, self.data],
            **QUICK,
        )
        acted.then(
            None,
            self.data,
            None,
            js=_SAVE,
            show_progress="hidden",
            api_visibility="private",
        )

    async def open_page(self, kept: Any, request: gr.Request) -> str:
        """The form, with what was chosen before."""
        return self._form(visitor_of(kept, request, self.desk))

    async def act(self, kept: Any, request: gr.Request, event: gr.EventData) -> Updates:
        """Save what was chosen, test an address, download, or delete everything."""
        visitor = visitor_of(kept, request, self.desk)
        given = event._data if isinstance(event._data, dict) else {}  # noqa: SLF001 - a key may be missing
        done: Updates = {self.data: ""}
        try:
            match given.get("do"):
                case "save":
                    return done | self._saved(visitor, given.get("choices"))
                case "test":
                    return done | self._saved(visitor, given.get("choices")) | await self._tested(given)
                case "download":
                    content = await asyncio.to_thread(own_data.everything, self.desk, visitor)
                    return {self.data: json.dumps(content, indent=1, ensure_ascii=False), self.told: ""}
                case "erase_all":
                    erased = await asyncio.to_thread(own_data.erase, self.desk, visitor)
                    return done | self._begun_anew(visitor, erased)
                case _:
                    return done
        except HeartlineError as error:
            return done | {self.told: self._trouble(trouble_of(error))}

    def _saved(self, visitor: Visitor, given: Any) -> Updates:
        choices = self.desk.checked(Choices.parsed(given))
        after = replace(visitor, choices=choices)
        said = filled("saved", self.texts, words=self.texts("settings.saved"))
        return {self.page.visitor: after.as_kept(), self.told: said}

    async def _tested(self, given: dict[str, Any]) -> Updates:
        choices = self.desk.checked(Choices.parsed(given.get("choices")))
        if not self.desk.may_name_llm or choices.speaker != "own" or not choices.llm_url:
            return {self.told: self._trouble(Trouble("settings.no_address"))}
        settings = self.desk.settings_for(choices)
        report = await probe(settings)
        found = ServerFeatures()
        if report.models:
            server = LLMServer.from_settings(settings)
            try:
                async with asyncio.timeout(_TEST_SECONDS):
                    found = await find_features(server, settings.llm_model)
            except TimeoutError:
                pass  # what is known by then is enough to go on with
        shown = filled(
            "features",
            self.texts,
            problem=report.problem,
            models=report.models[:8],
            milliseconds=report.milliseconds,
            found=self._features(found) if report.models else [],
        )
        return {self.told: shown}

    def _features(self, found: ServerFeatures) -> list[tuple[str, str]]:
        words = {True: "feature.yes", False: "feature.no", None: "feature.unknown"}
        return [
            (
                self.texts(f"feature.{field.name}"),
                self.texts(words[value])
                if (value := getattr(found, field.name)) is None or isinstance(value, bool)
                else str(value),
            )
            for field in fields(found)
        ]

    def _begun_anew(self, visitor: Visitor, erased: int) -> Updates:
        anew = Visitor.new(visitor.tenant)
        words = self.texts("settings.all_erased", n=erased)
        return {
            self.page.visitor: anew.as_kept(),
            self.page.here: "",
            self.form: self._form(anew),
            self.told: filled("saved", self.texts, words=words),
        }

    def _trouble(self, trouble: Trouble) -> str:
        return filled("trouble", self.texts, words=self.texts(trouble.key, **dict(trouble.given)))

    def _form(self, visitor: Visitor) -> str:
        desk, texts = self.desk, self.texts
        offered = desk.offered
        options: dict[str, list[tuple[str, str]]] = {
            name: [(each, texts.word(name, each)) for each in offered[name]]
            for name in ("persona", "planner", "counterweight", "variant", "two_stage")
        }
        named = [(code, self._country(code)) for code in offered["country"] if code != UNKNOWN]
        options["country"] = sorted(named, key=lambda pair: _as_filed(pair[1]))
        if "policy" in offered:
            options["policy"] = [(each, f"{self._place(each)} ({each})") for each in offered["policy"]]
        address = desk.address(desk.settings)
        local = desk.settings.generator != "openai"
        as_set = texts("settings.set_local" if local else "settings.set_offline")
        return filled(
            "settings",
            texts,
            choices=asdict(desk.checked(visitor.choices)),
            options=options,
            made_with=desk.settings,
            as_set=as_set if address is None else texts("settings.set_llm", address=address),
            set_llm=local or address is not None,
            may_name_llm=desk.may_name_llm,
            may_unkeep=desk.may_unkeep and not desk.ephemeral,
            ephemeral=desk.ephemeral,
            country=self._country(desk.settings.country),
            policy=self._place(desk.settings.policy),
        )

    def _country(self, code: str | None) -> str:
        """What a country is called; empty where none is set."""
        if not code:
            return ""
        country = self.desk.directory.country(code)
        return self.texts.given("country", country.name, country.code).words

    def _place(self, policy: str) -> str:
        """Where a policy holds."""
        return self.texts.given("place", load_policy(policy).place, policy).words


def _as_filed(name: str) -> str:
    """For the order of a list: Ö stands with O."""
    return unicodedata.normalize("NFKD", name).casefold()


TAB = Tab("settings", SettingsTab)
