/* What happens in the browser alone: theme, panel, drafts, and clicks that are passed on to the server. */
(() => {
  const root = document.documentElement;
  const meta = name => document.querySelector(`meta[name="heartline-${name}"]`)?.content || "";
  const kept = (name, value) => {
    try {
      if (value === undefined) return localStorage.getItem("heartline." + name);
      localStorage.setItem("heartline." + name, value);
    } catch { /* a browser that keeps nothing is asked again */ }
    return null;
  };
  const wide = () => window.innerWidth >= 1100;
  const box = () => document.querySelector("#box textarea");

  // Gradio sets language and theme by what the browser says; what was chosen here counts.
  const chosen = () => {
    const language = meta("language");
    if (language && root.lang !== language) root.lang = language;
    const theme = kept("theme");
    if (theme && document.body) {
      const dark = theme === "dark";
      if (document.body.classList.contains("dark") !== dark) document.body.classList.toggle("dark", dark);
    }
  };

  const shown = (name, open) => {
    root.dataset[name] = open ? "open" : "shut";
    for (const button of document.querySelectorAll(`[data-do="${name}"]`)) button.setAttribute("aria-expanded", open);
  };
  const isOpen = name => root.dataset[name] === "open";
  const start = () => {
    chosen();
    new MutationObserver(chosen).observe(root, { attributes: true, attributeFilter: ["lang"] });
    new MutationObserver(chosen).observe(document.body, { attributes: true, attributeFilter: ["class"] });
    shown("panel", wide() && kept("panel") !== "shut");
    shown("list", false);
  };

  const write = (text, send) => {
    const area = box();
    if (!area) return;
    Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(area, text);
    area.dispatchEvent(new Event("input", { bubbles: true }));
    area.focus();
    area.setSelectionRange(text.length, text.length);
    if (send) setTimeout(() => document.querySelector("#send")?.click(), 60);
  };
  const tell = (words, alarm) => {
    const place = document.querySelector(alarm ? "#trouble p.trouble, #trouble .told" : "#status [role=status]");
    if (place) { place.textContent = words + " "; return; }
    const holder = document.querySelector("#trouble");
    if (!holder) return;
    const line = document.createElement("p");
    line.className = "trouble told";
    line.setAttribute("role", "alert");
    line.textContent = words;
    holder.append(line);
  };
  const copy = async (text, button) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    const before = button.textContent;
    button.textContent = meta("copied");
    setTimeout(() => { button.textContent = before; }, 1500);
  };

  const here = {
    theme() {
      const dark = !document.body.classList.contains("dark");
      kept("theme", dark ? "dark" : "light");
      chosen();
    },
    panel() {
      shown("panel", !isOpen("panel"));
      if (wide()) kept("panel", isOpen("panel") ? "open" : "shut");
      else if (isOpen("panel")) { shown("list", false); look(); }
    },
    list() {
      shown("list", !isOpen("list"));
      if (isOpen("list")) { shown("panel", false); document.querySelector("#past button")?.focus(); }
    },
    example(button) { write(button.textContent); },
    edit(button) {
      write(button.closest(".turn").querySelector(".mine .words").textContent);
      tell(meta("edited"));
    },
    again(button) { write(button.closest(".turn").querySelector(".mine .words").textContent, true); },
    copy(button) { copy(button.closest(".said").querySelector(".words").textContent, button); },
    good(button) { ask(button, 1); },
    bad(button) { ask(button, -1); },
    leave(button) { button.closest("form").hidden = true; },
  };
  const ask = (button, rating) => {
    const form = button.closest(".said").querySelector("form.reason");
    form.dataset.rating = rating;
    form.hidden = false;
    form.querySelector("textarea").focus({ preventScroll: true });
    form.scrollIntoView({ block: "nearest" });
  };
  const look = () => setTimeout(() => document.querySelector("#understood .panel-title")?.focus(), 200);

  document.addEventListener("click", event => {
    const link = event.target.closest("a[data-language]");
    if (link) {
      const path = new URL("../", location.href).pathname;
      document.cookie = `heartline_language=${link.dataset.language}; path=${path}; max-age=31536000; samesite=lax`;
      return;
    }
    const button = event.target.closest("[data-do]");
    if (button && here[button.dataset.do]) here[button.dataset.do](button);
    const help = document.querySelector("#help");
    if (help?.open && !help.contains(event.target)) help.open = false;
  });
  document.addEventListener("keydown", event => {
    if (event.key !== "Escape") return;
    const help = document.querySelector("#help");
    const stop = document.querySelector("#stop");
    if (help?.open) { help.open = false; help.querySelector("summary").focus(); }
    else if (stop && stop.offsetParent) stop.click();
    else if (!wide()) { shown("panel", false); shown("list", false); }
  });

  // What was typed survives a reload; what was sent is the server's.
  addEventListener("pagehide", () => {
    try { sessionStorage.setItem("heartline.draft", box()?.value || ""); } catch { /* then it does not */ }
  });
  const restore = () => {
    const area = box();
    if (!area) return false;
    let draft = "";
    try { draft = sessionStorage.getItem("heartline.draft") || ""; sessionStorage.removeItem("heartline.draft"); } catch { /* none */ }
    if (draft && !area.value) write(draft);
    return true;
  };
  const follow = () => {
    let end = true;
    addEventListener("scroll", () => {
      end = innerHeight + scrollY >= document.documentElement.scrollHeight - 160;
    }, { passive: true });
    new MutationObserver(() => { if (end && document.querySelector("#middle .turn")) scrollTo(0, document.documentElement.scrollHeight); }).observe(
      document.querySelector("#middle"), { childList: true, subtree: true, characterData: true });
  };
  const ready = () => { if (restore()) { document.head.append(document.querySelector("#heartline-style")); box().setAttribute("aria-label", meta("label")); follow(); shown("panel", isOpen("panel")); } else setTimeout(ready, 50); };

  const fetched = window.fetch;
  window.fetch = async (...given) => {
    try {
      const answer = await fetched(...given);
      if (answer.status === 401 && String(given[0]?.url || given[0]).includes("/gradio_api/")) tell(meta("expired"), true);
      return answer;
    } catch (error) {
      if (String(given[0]?.url || given[0]).includes("/queue/join")) tell(meta("gone"), true);
      throw error;
    }
  };

  // Called by the parts of the page whose clicks the server has to know.
  window.heartlineActs = (element, send) => {
    element.addEventListener("click", event => {
      const button = event.target.closest("[data-do]");
      if (!button || !["why", "new", "open", "erase"].includes(button.dataset.do)) return;
      if (button.dataset.ask && !confirm(button.dataset.ask)) return;
      send({ do: button.dataset.do, id: button.dataset.id || "", turn: button.closest("[data-turn]")?.dataset.turn || "" });
      if (button.dataset.do === "why") { shown("panel", true); look(); }
      else if (!wide()) shown("list", false);
      if (button.dataset.do === "new") box()?.focus();
    });
    element.addEventListener("submit", event => {
      event.preventDefault();
      const form = event.target;
      form.hidden = true;
      send({
        do: "rate",
        turn: form.closest("[data-turn]").dataset.turn,
        rating: Number(form.dataset.rating),
        reason: form.querySelector("textarea").value,
      });
    });
  };
  window.heartlineForm = (element, send) => {
    const choices = () => {
      const form = element.querySelector("form");
      const found = Object.fromEntries(new FormData(form));
      const kept = form.querySelector("[name=kept]");
      return { ...found, kept: kept ? kept.checked : true };
    };
    element.addEventListener("change", () => send({ do: "save", choices: choices() }));
    element.addEventListener("submit", event => event.preventDefault());
    element.addEventListener("click", event => {
      const button = event.target.closest("[data-do]");
      if (!button || (button.dataset.ask && !confirm(button.dataset.ask))) return;
      send({ do: button.dataset.do, choices: choices() });
    });
  };

  if (document.body) start(); else addEventListener("DOMContentLoaded", start);
  ready();
})();
