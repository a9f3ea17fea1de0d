"""Pages for people, made from the data: `docs/help-lines.md` and `docs/policies.md`.

`python -m agent.safety.pages` writes both; a test says when they are out of date.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from agent.safety.help_lines import BundledDirectory, Country, HelpLine, load_help_lines
from agent.safety.policies import Policy, load_policy, policy_names

__all__ = ["help_lines_page", "policies_page", "write_pages"]

_HELP_LINES = """\
# Help lines

Made from `agent/safety/help_lines.toml` by `python -m agent.safety.pages`; change that file, not this one.

An entry is there only if its facts stood on a page that was read. The pages were stored copies, some of them
years old, and nobody has dialled the numbers. **Have somebody who knows the country check its entry before you put
the agent before people.** An empty cell means that it is not known, not that there is nothing.

The country comes from the settings or from the person, never from a guess. For any other place the first entry
holds. Facts count as stale after {days} days; there is a warning for the operator then. A file of your own can
take the place of the shipped one (`help_lines`, HEARTLINE_HELP_LINES: its path), and so can a verified directory
of somebody else's: an object with the shape of `agent.safety.help_lines.Directory`, made by what is registered
under `heartline.directories` and named by the same setting. Its test subclasses
`tests/contracts/directory_contract.py`.

"""

_POLICIES = """\
# Policy packs

Made from `agent/safety/policies/*.toml` by `python -m agent.safety.pages`; change those files, not this page.

A pack holds what a place asks of an agent that people confide in: wording, how often it is said, minors, breaks,
and what is left to whoever deploys it. **{note}** Most of it was read at second hand;
where commentators differ, or a text was not read, it says so. Each pack has the day on which it was reviewed.

Choosing a place never makes the agent less careful: where a law is silent, or asks for less, a pack keeps the
minutes of `default`. Two features are legal triggers: *memory from one conversation to the next* and *questions
about feelings that nothing in the message led to*. Together with a lasting personal dialogue they bring an agent
under most of these laws. They are off in every shipped pack.

The setting `policy` (HEARTLINE_POLICY) names the pack. A pack of your own is a TOML file like them; give its path.

**How notices are given.** The guard `protocol` decides before each reply what is due (`Turn.notices`), and the
agent tells it beside the reply, never in it: as the event `NoticeGiven`, before the first token, or after the
last one where somebody is in danger. Whoever draws the page shows them, in the `style` of the pack. A pause of
more than an hour begins a new sitting, which begins with the disclosure. When a sitting began and when something
was last told is kept with each turn, so it holds across processes, and goes when the conversation is erased. A
reminder comes with the first message after it is due, so no message is further from the last one than the pack
says. Nobody who is or was in danger is sent on a break. While a person holds the conversation nothing is said.
Without a guard there are no notices.

**Minors.** The software is only told: by `Options(minor=True)` with a request (`/options minor=yes` in the chat),
or by the setting `minors` (HEARTLINE_MINORS=1) for everybody, which no request takes back.

| pack | place | status | from | reminder (minors), minutes | break (minors), minutes | reviewed |
| --- | --- | --- | --- | --- | --- | --- |
"""


def help_lines_page(directory: BundledDirectory) -> str:
    """Markdown with every country of `directory`, its numbers, sources and dates; unknown places first."""
    unknown = directory.country(None)
    known = sorted((c for c in directory.countries.values() if c is not unknown), key=lambda country: country.name)
    return _HELP_LINES.format(days=directory.stale_after_days) + "\n".join(map(_country, (unknown, *known)))


def policies_page(policies: Iterable[Policy]) -> str:
    """Markdown with a table of `policies` and a section on each."""
    policies = tuple(policies)
    rows = (
        f"| [`{p.id}`](#{p.id}) | {p.place} | {p.status} | {p.in_force or ''} "
        f"| {_or_never(p.reminder_minutes)} ({_or_never(p.reminder_minutes_for_minors)}) "
        f"| {_or_never(p.break_minutes)} ({_or_never(p.break_minutes_for_minors)}) | {p.reviewed} |\n"
        for p in policies
    )
    return _POLICIES.format(note=policies[0].note) + "".join(rows) + "\n" + "\n".join(map(_policy, policies))


def write_pages(folder: Path) -> None:
    """Writes both pages into `folder`.

    Raises:
        SettingsError: A file that they are made from is wrong.
    """
    policies = (load_policy(name) for name in policy_names())
    (folder / "help-lines.md").write_text(help_lines_page(load_help_lines()), encoding="utf-8")
    (folder / "policies.md").write_text(policies_page(policies), encoding="utf-8")


def _country(country: Country) -> str:
    sources = _links(country.evidence)
    read = f" Emergency numbers read on {country.checked}: {sources}." if sources else ""
    lines = "".join(map(_line, country.lines))
    return (
        f"## {country.name}\n\n{country.words}{read}\n\n"
        "| line | for | call | text | chat or page | hours | languages | source | read on | checked |\n"
        f"| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n{lines}"
    )


def _line(line: HelpLine) -> str:
    name = f"{line.name}. {line.note}" if line.note else line.name
    cells = (
        name,
        ", ".join(line.kinds),
        line.call or "",
        line.text or "",
        line.chat or line.web or "",
        line.hours or "",
        ", ".join(line.languages),
        line.source,
        _links(line.evidence),
        str(line.checked),
    )
    return f"| {' | '.join(cells)} |\n"


def _links(addresses: Iterable[str]) -> str:
    return ", ".join(f"[{number}]({address})" for number, address in enumerate(addresses, 1))


def _or_never(minutes: int | None) -> str:
    return "never" if minutes is None else str(minutes)


def _policy(policy: Policy) -> str:
    when = f", {policy.in_force}" if policy.in_force else ""
    said = (
        f"- at the start: “{policy.disclosure}”\n- when asked: “{policy.on_asking}”\n"
        f"- as a reminder: “{policy.reminder}”\n- for a break: “{policy.break_prompt}”\n"
    )
    parts = (
        ("It applies when", policy.applies_when),
        ("It asks", policy.asks),
        ("Minors", policy.minors),
        ("What you have to do beside the software", policy.duties),
        ("Unsettled", policy.unsettled),
        ("How notices look", policy.style),
    )
    lists = "".join(
        f"{title}:\n\n" + "".join(f"- {item}\n" for item in items) + "\n" for title, items in parts if items
    )
    sources = f"Sources: {_links(policy.sources)}. Reviewed {policy.reviewed}. " if policy.sources else ""
    return (
        f"## {policy.id}\n\n{policy.place}: {policy.title} ({policy.status}{when}).\n\n"
        f"What is said:\n\n{said}\n{lists}{sources}{policy.note}\n"
    )


if __name__ == "__main__":
    write_pages(Path(__file__).parents[2] / "docs")
