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
  const tell = words => {
    const place = document.querySelector("#status [role=status]");
    if (place) place.textContent = words + " ";
  };
  // Above the box where the chat is seen, and else at the foot of the page.
  const place = () => {
    const holder = document.querySelector("#trouble");
    return holder?.checkVisibility() ? holder : document.body;
  };
  const warn = words => {
    hush();
    document.querySelector(".away")?.remove();
    const line = document.createElement("p");
    line.className = "trouble told";
    line.setAttribute("role", "alert");
    line.textContent = words;
    place().append(line);
  };
  const hush = () => document.querySelector(".told")?.remove();
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

  // What the bar opens stands beside the chat: whoever is at another tab is led there.
  const to_chat = () => {
    if (document.querySelector("#room")?.checkVisibility()) return false;
    document.querySelector("#tab-chat-button")?.click();
    return true;
  };

  const here = {
    theme() {
      const dark = !document.body.classList.contains("dark");
      kept("theme", dark ? "dark" : "light");
      chosen();
    },
    panel() {
      shown("panel", to_chat() || !isOpen("panel"));
      if (wide()) kept("panel", isOpen("panel") ? "open" : "shut");
      else if (isOpen("panel")) { shown("list", false); look(); }
    },
    list() {
      shown("list", to_chat() || !isOpen("list"));
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
  let wordsAsked = false; // and nothing done since: what is looked at for its own sake takes no focus from them
  for (const act of ["keydown", "pointerdown"]) document.addEventListener(act, () => { wordsAsked = false; }, true);
  const look = () => setTimeout(() => {
    if (!wordsAsked) document.querySelector("#understood .panel-title")?.focus();
  }, 200);

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
  document.addEventListener("toggle", event => {
    if (event.target.open && event.target.matches?.(".ways-on")) event.target.scrollIntoView({ block: "nearest" });
  }, true);
  document.addEventListener("keydown", event => {
    if (event.key !== "Escape") return;
    const help = document.querySelector("#help");
    const stop = [...document.querySelectorAll("#stop, #what-if-stop")].find(button => button.offsetParent);
    if (help?.open) { help.open = false; help.querySelector("summary").focus(); }
    else if (stop) stop.click();
    else if (!wide()) { shown("panel", false); shown("list", false); }
  });

  // Words typed on while a message is on its way stay, when the box is emptied because it was taken in.
  let sent = null, typed = "";
  const sending = () => { sent = box()?.value || null; typed = ""; };
  const taken = last => {
    const more = typed + last;
    sent = null;
    if (more !== box().value) write(more);
  };
  const keep = () => {
    document.addEventListener("keydown", event => { if (event.key === "Enter" && !event.shiftKey && event.target === box()) sending(); }, true);
    document.addEventListener("click", event => { if (event.target.closest("#send")) sending(); }, true);
    document.addEventListener("input", event => {
      if (!sent || event.target !== box()) return;
      const { value } = box();
      if (value.startsWith(sent)) typed = value.slice(sent.length);
      else if (value === event.data) taken(value); // it was emptied between two keys
      else sent = null; // what was sent is written anew
    });
    new MutationObserver(() => setTimeout(() => { if (sent && !box()?.value) taken(""); }, 0)).observe(document.querySelector("#middle"), { childList: true, subtree: true });
  };

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
  // On narrow screens the tabs, all rows of them, give way to whoever reads on, and come back to whoever turns back.
  const give_way = () => {
    let last = scrollY;
    addEventListener("scroll", () => {
      if (Math.abs(scrollY - last) < 8 && scrollY > 0) return;
      root.dataset.tabs = scrollY > last ? "away" : "here";
      last = scrollY;
    }, { passive: true });
  };
  // Tabs take more rows where they do not fit into one.
  const measure = () => {
    const strip = document.querySelector("#tabs .tab-wrapper");
    if (strip) new ResizeObserver(() => root.style.setProperty("--tabs", `${strip.offsetHeight}px`)).observe(strip);
  };
  // Buttons say what is open; on a busy machine Gradio draws them late.
  const mark = () => {
    const say = () => { for (const name of ["panel", "list"]) shown(name, isOpen(name)); };
    new MutationObserver(say).observe(document.querySelector("#bar"), { childList: true, subtree: true });
    say();
  };
  const ready = () => { if (restore()) { document.head.append(document.querySelector("#heartline-style")); box().setAttribute("aria-label", meta("label")); follow(); keep(); measure(); give_way(); watch(); mark(); } else setTimeout(ready, 50); };

  // What keeps an event from the server is told in the language of the page; Gradio's own words are hidden.
  const heard = (address, answer) => {
    if (answer.status === 401) warn(meta("expired"));
    else if (!/\/(queue\/join|run)\b/.test(address)) return;
    else if (answer.ok) hush();
    else warn(meta(answer.status === 503 ? "crowded" : "broken"));
  };
  const fetched = window.fetch;
  window.fetch = async (...given) => {
    const address = String(given[0]?.url || given[0]);
    const ours = address.includes("/gradio_api/");
    try {
      const answer = await fetched(...given);
      if (ours) heard(address, answer);
      return answer;
    } catch (error) {
      if (ours && error.name !== "AbortError") warn(meta("gone"));
      throw error;
    }
  };
  const watch = () => new MutationObserver(() => {
    if (document.querySelector(".toast-body.error") && !document.querySelector(".told")) warn(meta("broken"));
  }).observe(document.querySelector(".toast-wrap"), { childList: true, subtree: true });

  // Whoever rests on the page is told that its server went, before they write to nobody.
  const EACH = 15_000, AGAIN = 3_000, LONGEST = 10_000; // milliseconds
  let missed = 0, next = 0;
  const away = () => {
    const line = document.querySelector(".away");
    if (missed > 1 && line?.checkVisibility()) return;
    line?.remove(); // it may stand in a tab that was left
    if (missed < 2 || document.querySelector(".told")) return; // a single one may be a hiccup
    const made = document.createElement("p");
    made.className = "trouble away";
    made.setAttribute("role", "status");
    place().append(made);
    made.textContent = meta("away"); // after it is there, so that screen readers tell it
  };
  const ask_server = async () => {
    clearTimeout(next);
    if (!document.hidden) {
      const asked = { cache: "no-store", signal: AbortSignal.timeout(LONGEST) };
      const answer = await fetched(new URL("../healthz", location.href), asked).catch(() => null);
      missed = answer && answer.status < 500 ? 0 : missed + 1;
      away();
    }
    clearTimeout(next); // another one may have asked meanwhile
    next = setTimeout(ask_server, missed ? AGAIN : EACH);
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask_server(); });
  next = setTimeout(ask_server, EACH);

  // Called by the parts of the page whose clicks the server has to know.
  window.heartlineActs = (element, send) => {
    element.addEventListener("click", event => {
      const button = event.target.closest("[data-do]");
      if (!button || !["why", "new", "open", "erase", "another"].includes(button.dataset.do)) return;
      if (button.dataset.ask && !confirm(button.dataset.ask)) return;
      send({ do: button.dataset.do, id: button.dataset.id || "", turn: button.closest("[data-turn]")?.dataset.turn || "", strategy: button.dataset.strategy || "" });
      if (button.dataset.do === "why") { shown("panel", true); look(); }
      else if (!wide()) shown("list", false);
      if (["new", "another"].includes(button.dataset.do)) box()?.focus();
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
  // The words that a feeling rests on are asked for, and looked at once they are there.
  const behind = (element, ask) => {
    element.addEventListener("click", event => {
      const button = event.target.closest('[data-do="words"]');
      if (!button) return;
      wordsAsked = true;
      ask(button.dataset.turn);
    });
    new MutationObserver(() => {
      const found = element.querySelector(".attributed");
      if (wordsAsked && found && document.activeElement !== found) found.focus();
    }).observe(element, { childList: true, subtree: true });
  };
  window.heartlinePanel = (element, send) => behind(element, turn => send({ turn }));
  window.heartlineForm = (element, send) => {
    const choices = () => {
      const form = element.querySelector("form");
      const found = Object.fromEntries(new FormData(form));
      const kept = form.querySelector("[name=kept]");
      return { ...found, kept: kept ? kept.checked : true };
    };
    let later = 0; // what a click on "test" saves itself is not saved beside it: the answers may overtake one another
    element.addEventListener("change", () => {
      clearTimeout(later);
      later = setTimeout(() => send({ do: "save", choices: choices() }), 200);
    });
    element.addEventListener("submit", event => event.preventDefault());
    element.addEventListener("click", event => {
      const button = event.target.closest("[data-do]");
      if (!button || (button.dataset.ask && !confirm(button.dataset.ask))) return;
      if (["test", "erase_all"].includes(button.dataset.do)) clearTimeout(later);
      send({ do: button.dataset.do, choices: choices() });
    });
  };

  // The other answer of a what-if is looked at from its first word on.
  window.heartlineComing = element => {
    let coming = false;
    new MutationObserver(() => {
      const comes = Boolean(element.querySelector(".coming"));
      if (comes && !coming) element.closest("#what-if").scrollIntoView({ block: "start" });
      coming = comes;
    }).observe(element, { childList: true, subtree: true });
  };

  // Evaluations: forms that the server draws anew, so that what had the focus gets it back.
  window.heartlineEvaluate = (element, send) => {
    let open = false, last = "";
    const values = () => Object.fromEntries([...element.querySelectorAll("form")].flatMap(form => [...new FormData(form)]));
    element.addEventListener("submit", event => {
      event.preventDefault();
      send({ ...values(), do: event.target.dataset.do });
    });
    element.addEventListener("change", event => {
      if (event.target.matches("[data-pick]")) send({ ...values(), do: "pick" });
    });
    element.addEventListener("focusin", event => { last = event.target.id; });
    new MutationObserver(() => {
      if (last && document.activeElement === document.body) document.getElementById(last)?.focus({ preventScroll: true });
    }).observe(element, { childList: true, subtree: true });
    // What runs and what there is may have changed while another tab was shown.
    new ResizeObserver(() => {
      const shows = element.offsetParent !== null;
      if (shows && !open) send({ ...values(), do: "open" });
      open = shows;
    }).observe(element);
  };

  // The walk through a conversation: what is marked moves at once, and the server draws the turn.
  const LARGEST = 1_900_000; // characters of a request
  const packed = async file => {
    const stream = file.stream().pipeThrough(new CompressionStream("gzip"));
    const blob = await new Response(stream).blob();
    return new Promise(done => {
      const reader = new FileReader();
      reader.onload = () => done({ name: file.name, data: reader.result.split(",")[1] || "" });
      reader.readAsDataURL(blob);
    });
  };
  const placed = walked => ({ id: walked.dataset.id, token: walked.dataset.token, number: Number(walked.dataset.number) });
  let soon = 0; // whoever holds a key down is shown the turn at which it rests
  const ask_for = (walked, send, more = {}, after = 60) => {
    clearTimeout(soon);
    soon = setTimeout(() => send({ ...placed(walked), turn: Number(walked.dataset.shown), ...more }), after);
  };
  const go = (walked, to, send) => {
    const count = Number(walked.dataset.count);
    const shown = Math.min(Math.max(0, to), count - 1);
    if (shown === Number(walked.dataset.shown)) return;
    walked.dataset.shown = shown;
    walked.querySelector("input[type=range]").value = shown + 1;
    const at = walked.querySelector(".at");
    at.textContent = at.dataset.of.replace("{number}", shown + 1).replace("{of}", count);
    for (const button of walked.querySelectorAll("[data-move]")) {
      const ends = button.dataset.move === "1" ? shown + 1 === count : shown === 0;
      if (ends && document.activeElement === button) walked.querySelector("input[type=range]").focus();
      button.disabled = ends;
    }
    for (const hit of walked.querySelectorAll(".hit")) {
      hit.classList.toggle("now", Number(hit.dataset.first) <= shown && shown <= Number(hit.dataset.last));
    }
    ask_for(walked, send);
  };
  window.heartlineTrace = (element, send) => {
    // What the heading said when something else was asked for: Gradio may keep the element, and draw it twice.
    let left = null;
    const heading = () => element.querySelector("h2");
    const list = () => { if (!element.querySelector(".walk, .cohort")) send.act({ do: "list", page: 0 }); };
    setTimeout(list, 0);
    document.addEventListener("click", event => { if (event.target.closest("#tab-trace-button")) list(); });
    element.addEventListener("click", event => {
      const button = event.target.closest("[data-trace]");
      const walked = element.querySelector(".walk");
      const move = event.target.closest("[data-move]");
      const hit = event.target.closest(".hit");
      if (move) go(walked, Number(walked.dataset.shown) + Number(move.dataset.move), send.step);
      else if (hit) go(walked, Number(hit.dataset.first), send.step);
      if (!button) return;
      left = heading()?.textContent ?? null;
      const { trace, id = "", token = "", number = 0, page = 0 } = button.dataset;
      if (trace === "cohort") send.gather({ token });
      else send.act({ do: trace, id, token, number: Number(number), page: Number(page) });
    });
    element.addEventListener("input", event => {
      if (event.target.type === "range") go(element.querySelector(".walk"), Number(event.target.value) - 1, send.step);
    });
    element.addEventListener("change", async event => {
      if (event.target.type !== "file" || !event.target.files.length) return;
      left = heading()?.textContent ?? null;
      const files = await Promise.all([...event.target.files].map(packed));
      event.target.value = "";
      if (files.reduce((sum, file) => sum + file.data.length, 0) > LARGEST) send.act({ do: "large" });
      else send.bring({ files });
    });
    document.querySelector("#trace")?.addEventListener("keydown", event => {
      const walked = element.querySelector(".walk");
      const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!walked || !way || event.altKey || event.ctrlKey || event.metaKey) return;
      if (event.target.closest("input, textarea, select, pre, .wide")) return;
      event.preventDefault();
      go(walked, Number(walked.dataset.shown) + way, send.step);
    });
    for (const done of ["pointerdown", "keydown"]) document.addEventListener(done, () => { left = null; }, true);
    new MutationObserver(() => {
      if (left === null || !heading() || heading().textContent === left || document.activeElement === heading()) return;
      heading().focus({ preventScroll: true });
      scrollTo(0, 0);
    }).observe(element, { childList: true, subtree: true, characterData: true });
  };
  window.heartlineTraceTurn = (element, send) => {
    let late = "";
    const walk = () => document.querySelector("#trace-view .walk");
    behind(element, () => { if (walk()) ask_for(walk(), send, { words: true }, 0); });
    new MutationObserver(() => {
      // Answers may overtake one another: then what is marked is asked for once more.
      const there = element.querySelector(".walked")?.dataset.turn, shown = walk()?.dataset.shown;
      if (there === shown) late = "";
      if (!there || !shown || there === shown || late === shown) return;
      late = shown;
      ask_for(walk(), send, {}, 300);
    }).observe(element, { childList: true, subtree: true });
  };

  // News from the server, asked for while the element is seen and says that there may be some.
  window.heartlineWatch = (element, send) => {
    const look = () => {
      const place = element.querySelector("[data-watch]");
      if (place && !document.hidden && element.checkVisibility()) send({ seen: place.dataset.watch });
    };
    const each = setInterval(() => { if (element.isConnected) look(); else clearInterval(each); }, 3000);
    look();
  };
  window.heartlineCases = (element, send) => {
    element.addEventListener("click", event => {
      const button = event.target.closest("[data-do]");
      if (!button || (button.dataset.ask && !confirm(button.dataset.ask))) return;
      send({ do: button.dataset.do, id: button.dataset.id || "" });
    });
    // What is drawn anew takes no focus from whoever uses the keyboard.
    let last = null;
    element.addEventListener("focusin", event => { last = event.target.closest("[data-do]"); });
    new MutationObserver(() => {
      if (!last || last.isConnected || document.activeElement !== document.body) return;
      const same = [...element.querySelectorAll(`[data-do="${last.dataset.do}"]`)].find(one => one.dataset.id === last.dataset.id);
      (same || element.querySelector(".panel-title"))?.focus({ preventScroll: true });
    }).observe(element, { childList: true, subtree: true });
  };

  if (document.body) start(); else addEventListener("DOMContentLoaded", start);
  ready();
})();
