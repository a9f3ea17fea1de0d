from __future__ import annotations

import httpx2
import pytest

from agent.settings import load_settings
from agent.store_url import open_store
from tests.loop_parts import an_agent, offline
from ui.page.app import make_page
from ui.page.desk import Desk, Reach


def _client(page, **headers: str) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=page)
    return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:7860", headers=headers)


def _page(reach: Reach | None = None, hosts: frozenset[str] | None = frozenset({"127.0.0.1"}), **settings: object):
    made = load_settings(store="memory", **settings)
    return make_page(Desk(an_agent(offline("I hear you.")), made, reach or Reach()), hosts=hosts)


@pytest.fixture(scope="module")
def page():
    return _page()


async def test_that_the_first_document_speaks_the_browsers_language_and_holds_help(page):
    async with _client(page) as client:
        led = await client.get("/", headers={"accept-language": "de-CH,de;q=0.9"})
        assert led.headers["location"] == "/de/"
        chosen = await client.get("/", headers={"accept-language": "de", "cookie": "heartline_language=en"})
        assert chosen.headers["location"] == "/en/"
        document = await client.get("/de/", headers={"accept-encoding": "gzip, br"})
    assert document.status_code == 200
    assert '<html\n\tlang="de"' in document.text
    assert "Hilfe jetzt" in document.text
    assert "<noscript>" in document.text
    assert "findahelpline.com" in document.text


async def test_that_the_document_names_no_other_host_but_those_of_help_lines(page):
    async with _client(page) as client:
        text = (await client.get("/en/")).text
    for foreign in ("githubusercontent", "huggingface", "googleapis", "gradio.app", "cdnjs"):
        assert foreign not in text.partition("window.gradio_config")[0] + text.rpartition("</script>")[2], foreign


async def test_that_browsers_are_told_to_fetch_nothing_from_elsewhere(page):
    async with _client(page) as client:
        answer = await client.get("/en/")
    policy = answer.headers["content-security-policy"]
    assert "connect-src 'self'" in policy
    assert "img-src 'self' data: blob:" in policy
    assert "frame-ancestors 'none'" in policy


async def test_that_other_names_and_other_pages_are_refused(page):
    async with _client(page) as client:
        assert (await client.get("/en/", headers={"host": "evil.example"})).status_code == 421
        asked = {"data": [], "fn_index": 0, "session_hash": "x"}
        forged = await client.post(
            "/en/gradio_api/queue/join", json=asked, headers={"origin": "https://evil.example"}
        )
        assert forged.status_code == 403
        own = await client.post(
            "/en/gradio_api/queue/join", json=asked, headers={"origin": "http://127.0.0.1:7860"}
        )
        assert own.status_code != 403


@pytest.mark.parametrize(
    "path", ["/en/gradio_api/upload", "/en/gradio_api/proxy=http://169.254.169.254/", "/de/monitoring"]
)
async def test_that_what_is_not_needed_of_gradio_is_shut(page, path):
    async with _client(page) as client:
        assert (await client.get(path)).status_code == 404


async def test_that_the_endpoints_of_the_page_stand_in_no_list(page):
    async with _client(page) as client:
        listed = (await client.get("/en/gradio_api/info")).json()
    assert listed["named_endpoints"] == {}
    assert listed["unnamed_endpoints"] == {}


async def test_that_who_comes_when_too_many_wait_is_sent_away(monkeypatch):
    monkeypatch.setattr("ui.page.app._WAITING", 0)
    async with _client(_page()) as client:
        say = next(
            each for each in (await client.get("/en/config")).json()["dependencies"] if each["api_name"] == "say"
        )
        asked = {"data": ["hello", None, ""], "fn_index": say["id"], "session_hash": "x"}
        assert (await client.post("/en/gradio_api/queue/join", json=asked)).status_code == 503


async def test_that_it_works_behind_a_prefix():
    page = _page(Reach(near=False, root_path="/heart"), hosts=None)
    async with _client(page, **{"x-forwarded-host": "talk.example", "x-forwarded-proto": "https"}) as client:
        assert (await client.get("/")).headers["location"] == "/heart/en/"
        for path in ("/en/", "/heart/en/"):  # a proxy takes the prefix off, or does not
            document = (await client.get(path)).text
            assert "https://talk.example/heart/en" in document
            assert '<div id="shell">' in document
            assert (await client.get(f"{path}config")).status_code == 200


async def test_that_where_keys_are_a_tenant_signs_in_with_theirs(tmp_path):
    settings = load_settings(store_path=tmp_path / "talks.db")
    store = open_store(settings)
    secret, _ = store.api_keys.create("acme", name="page")
    agent = an_agent(offline("I hear you."), store=store)
    page = make_page(Desk(agent, settings, Reach(near=False, keys=True)), hosts=None)
    async with _client(page) as client:
        assert (await client.get("/en/config")).status_code == 401
        for name, key in (("acme", "wrong"), ("other", secret)):
            refused = await client.post("/en/login", data={"username": name, "password": key})
            assert refused.status_code == 400, name
        assert (await client.post("/en/login", data={"username": "acme", "password": secret})).status_code == 200
        assert (await client.get("/en/config")).status_code == 200
    store.close()


async def test_that_a_key_that_is_made_meanwhile_shuts_the_page_to_all(tmp_path):
    settings = load_settings(store_path=tmp_path / "talks.db")
    store = open_store(settings)
    told: list[str] = []
    page = make_page(
        Desk(an_agent(offline("I hear you."), store=store), settings), hosts=None, shut=lambda: told.append("shut")
    )
    asked = {"data": [], "fn_index": 0, "session_hash": "x"}
    async with _client(page, accept="text/html") as client:
        assert (await client.get("/de/")).status_code == 200
        store.api_keys.create("acme", name="page")
        for _ in range(2):
            refused = await client.get("/de/", headers={"accept-language": "de"})
            assert refused.status_code == 503
            assert "Schlüssel" in refused.text
        script = await client.post("/en/gradio_api/queue/join", json=asked, headers={"accept": "*/*"})
        assert script.status_code == 401
    assert told == ["shut"]
    store.close()
