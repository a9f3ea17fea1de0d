"""`python -m ui.page.speed`: how long people wait for the page, measured in a real Chromium on the loopback."""

from __future__ import annotations

import statistics

from agent.errors import SettingsError
from agent.settings import load_settings
from ui.page.screenshots import FLAGS, SAID, browser_path, running_page

__all__ = ["main"]

_PATIENCE = 60_000
_TIMES = 5

# Milliseconds from sending to the first words of a reply and to its end, and from there to its panel.
_WATCH = """text => new Promise(done => {
  const began = performance.now(), found = {}, before = document.querySelectorAll('#talk .turn').length;
  const old = document.querySelector('#understood .panel-title')?.textContent;
  const look = () => {
    const now = performance.now() - began;
    if (!found.first && document.querySelector('#live .ours .words')) found.first = now;
    if (!found.end && document.querySelectorAll('#talk .turn').length > before) found.end = now;
    if (found.end && document.querySelector('#understood .panel-title').textContent !== old) {
      watcher.disconnect();
      done({ first: found.first ?? found.end, end: found.end, panel: now - found.end });
    }
  };
  const watcher = new MutationObserver(look);
  watcher.observe(document.querySelector('#room'), { childList: true, subtree: true, characterData: true });
  const box = document.querySelector('#box textarea');
  const value = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value');
  value.set.call(box, text);
  box.dispatchEvent(new Event('input', { bubbles: true }));
  setTimeout(() => document.querySelector('#send').click(), 0);
})"""


def main() -> None:
    """Print medians, in milliseconds.

    Raises:
        SettingsError: There is no Chromium.
    """
    from playwright.sync_api import sync_playwright

    from ui.page.app import build_desk

    path = browser_path()
    if path is None:
        raise SettingsError("No `chromium` is on the path. Install it, e.g. `apt-get install chromium`.")
    with running_page(build_desk(load_settings(store="memory"))) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        paints, first, panel = [], [], []
        for _ in range(_TIMES):
            page = browser.new_page()
            page.goto(address)
            page.wait_for_selector("#talk .greeting", timeout=_PATIENCE)
            paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
            paints.append(float(page.evaluate(paint)))
            for text in SAID:
                times = page.evaluate(_WATCH, text)
                first.append(float(times["first"]))
                panel.append(float(times["panel"]))
                page.wait_for_selector("#send:visible", timeout=_PATIENCE)
            page.close()
        browser.close()
    for name, values in (
        ("first paint", paints),
        ("message to first words", first),
        ("panel after the end", panel),
    ):
        print(f"{name}: {statistics.median(values):.0f} ms (median of {len(values)}, most {max(values):.0f})")


if __name__ == "__main__":
    main()
