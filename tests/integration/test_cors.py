# SPDX-License-Identifier: MIT
"""A page that comes from elsewhere asks for its ticket: only those of listed
origins may, and a real browser agrees with that."""

import http.server
import json
import queue
import shutil
import subprocess
import threading

import pytest

from auth_kit import bearer, request, token
from harness import CHAT, SLOW

PATH = "/api/v1/auth/ws-ticket"
LISTED = "https://app.example"
STRANGERS = ["https://evil.example", "https://app.example.evil",
             "http://app.example", "https://app.example:8443", "null", "",
             "https://app.example\t,https://evil.example"]
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture
def relay(start_relay, redis_server, keys):
    return start_relay(redis_server, *keys.options(), f"--origins={LISTED}")


def fields(head):
    """{name: value} of an answer's head, and no name twice."""
    pairs = [line.split(": ", 1) for line in head.split("\r\n")[1:] if line]
    names = [name.lower() for name, _ in pairs]
    assert len(names) == len(set(names)), head
    return {name.lower(): value for name, value in pairs}


def preflight(relay, origin, path=PATH, **options):
    headers = {"Access-Control-Request-Method": "POST",
               "Access-Control-Request-Headers": "authorization"}
    if origin is not None:
        headers["Origin"] = origin
    status, head, body = request(relay, "OPTIONS", path, headers, **options)
    return status, fields(head), body


def tells_of_cors(head):
    return [name for name in head if name.startswith("access-control-")]


def test_a_listed_origin_may_send_its_token(relay):
    status, head, body = preflight(relay, LISTED)
    assert (status, body) == (204, b"")
    assert head["access-control-allow-origin"] == LISTED
    assert head["access-control-allow-methods"] == "POST"
    assert "authorization" in head["access-control-allow-headers"].lower()
    assert "access-control-allow-credentials" not in head
    assert 0 < int(head["access-control-max-age"]) <= 600
    assert "Origin" in head["vary"].split(", ")


def test_its_page_may_read_every_answer(relay, redis_server):
    origin = {"Origin": LISTED}
    good = {**origin, **bearer(token())}
    status, head, body = request(relay, "POST", PATH, good)
    assert status == 200 and set(json.loads(body)) == {"ticket", "expires_at"}
    heads = [head]
    for method, headers, wanted in (("POST", origin, 401),
                                    ("GET", good, 405)):
        status, head, _ = request(relay, method, PATH, headers)
        assert status == wanted
        heads.append(head)
    redis_server.freeze()
    status, head, _ = request(relay, "POST", PATH, good)
    assert status == 503
    for head in map(fields, heads + [head]):
        assert head["access-control-allow-origin"] == LISTED
        assert head["vary"] == "Origin"


@pytest.mark.parametrize("origin", STRANGERS)
def test_no_other_origin_gets_a_ticket_or_a_word(relay, store, origin):
    status, head, body = preflight(relay, origin)
    assert (status, json.loads(body)["error"]) == (403, "origin_refused")
    assert not tells_of_cors(head) and "Origin" in head["vary"]
    status, head, body = request(
        relay, "POST", PATH, {"Origin": origin, **bearer(token())})
    assert (status, json.loads(body)["error"]) == (403, "origin_refused")
    assert not tells_of_cors(fields(head)) and "vary" in head.lower()
    assert store.keys("relay:ticket:*") == []


def test_who_is_at_home_or_no_browser_needs_no_list(relay):
    for headers in ({}, {"Origin": "http://a"}):
        status, head, _ = request(
            relay, "POST", PATH, {**headers, **bearer(token())})
        assert status == 200
        assert not tells_of_cors(fields(head))
        assert fields(head)["vary"] == "Origin"
    status, head, _ = preflight(relay, None)
    assert status == 204 and not tells_of_cors(head)
    assert head["allow"] == "POST, OPTIONS"


def test_other_paths_answer_no_preflight(relay):
    for path in ("/health", "/ready", CHAT):
        status, head, _ = preflight(relay, LISTED, path)
        assert status == 405 and not tells_of_cors(head), path
    status, head, _ = preflight(relay, LISTED, admin=True)
    assert status == 404 and not tells_of_cors(head)


# --- a browser ---

PAGE = """<!doctype html><script>
const tell = said => fetch("/said", {method: "POST",
                                     body: JSON.stringify(said)});
async function scene() {
  const answer = await fetch("http://%(relay)s%(path)s", {
    method: "POST", headers: {Authorization: "Bearer %(token)s"}});
  const {ticket} = await answer.json();
  const socket = new WebSocket("ws://%(relay)s%(chat)s",
                               ["relay.v1", "ticket." + ticket]);
  const frame = await new Promise((done, failed) => {
    socket.onmessage = message => done(JSON.parse(message.data));
    socket.onclose = end => failed(Error("closed " + end.code));
  });
  return {status: answer.status, protocol: socket.protocol,
          type: frame.type};
}
scene().then(tell, failure => tell({failure: String(failure)}));
</script>"""


class Site:
    """Serves one page to a browser, and hears what it has to say."""

    def __init__(self):
        self.page = ""
        self.said = queue.Queue()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer(outer.page.encode())

            def do_POST(self):
                length = int(self.headers["Content-Length"])
                outer.said.put(json.loads(self.rfile.read(length)))
                self.answer(b"")

            def answer(self, body):
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,),
                         daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def site():
    site = Site()
    yield site
    site.stop()


def browse(site, folder, page):
    """What the page has to say once a browser has shown it."""
    site.page = page
    browser = subprocess.Popen(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu",
         "--disable-dev-shm-usage", "--no-first-run",
         f"--user-data-dir={folder}", site.origin],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    try:
        return site.said.get(timeout=60 * SLOW)
    finally:
        browser.terminate()
        browser.wait()


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no chromium here")
@pytest.mark.parametrize("is_listed", [True, False],
                         ids=["listed", "stranger"])
def test_a_browser_gets_in_from_a_listed_page_only(
        start_relay, redis_server, store, keys, site, tmp_path, is_listed):
    relay = start_relay(
        redis_server, *keys.options(),
        f"--origins={site.origin if is_listed else LISTED}")
    said = browse(site, tmp_path / "browser", PAGE % {
        "relay": relay.address, "path": PATH, "chat": CHAT,
        "token": token()})
    if is_listed:
        assert said == {"status": 200, "protocol": "relay.v1",
                        "type": "relay.hello"}
    else:
        assert "Failed to fetch" in said["failure"]
        assert relay.metric("relay_tickets_total") == 0
