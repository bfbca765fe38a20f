# SPDX-License-Identifier: MIT
"""The examples of README.md work as they stand there: the page in a browser,
the proxy in front. Only the address of the relay is another one."""

import re
import shutil
import subprocess
import threading

import pytest
import websockets

from harness import (CHAT, EVENTS, ROOT, connect, dumps, events_key,
                     receive_type, run, step, wait_for)
from test_cors import BROWSER, browse, site  # noqa: F401 (a fixture)

NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
README = (ROOT / "README.md").read_text()

PAGE = """<!doctype html><script>
%s
const frames = [], answers = [];
let told = false;
function look() {
  const seen = frames.filter(frame => frame.cursor && frame.step);
  const ack = answers.find(frame => frame.type === "relay.ack");
  if (told || !ack || seen.length < 3) return;
  told = true;
  fetch("/said", {method: "POST", body: JSON.stringify(
    {steps: seen.map(frame => frame.sequence), ack,
     hellos: frames.filter(frame => frame.type === "relay.hello").length})});
}
follow("s", frame => { frames.push(frame); look(); });
say("s", "hi", frame => { answers.push(frame); look(); });
</script>"""


def examples(language, address):
    """All blocks of one language, with the address of a relay."""
    blocks = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    assert blocks
    return "\n".join(blocks).replace("127.0.0.1:8080", address)


def test_every_metric_is_in_the_table_and_no_other(relay):
    shown = set(re.findall(
        r"^# TYPE (\w+) ", relay.get("/metrics")[2].decode(), re.MULTILINE))
    assert shown == set(re.findall(r"^\| `(relay_\w+)` \|", README,
                                   re.MULTILINE))


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no chromium here")
def test_the_page_follows_goes_on_and_speaks(
        start_relay, redis_server, store, site, tmp_path):  # noqa: F811
    relay = start_relay(redis_server, f"--origins={site.origin}")

    def restart():
        """Both events are there: cut, and add the third meanwhile."""
        wait_for(lambda: relay.metric("relay_events_delivered_total") >= 2 and
                 store.xlen("relay:commands") >= 1, 60, "the page")
        assert relay.stop() == 0
        store.xadd(events_key("s"), {"event": dumps(step(2))})
        relay.start()

    for number in range(2):
        store.xadd(events_key("s"), {"event": dumps(step(number))})
    site.page = PAGE % examples("js", relay.address)

    again = threading.Thread(target=restart)
    again.start()
    try:
        said = browse(site, tmp_path / "browser", site.page)
    finally:
        again.join()
    assert said["steps"] == [1, 2, 3]
    assert said["hellos"] == 2
    assert said["ack"]["session_id"] == "s" and said["ack"]["command_id"]


@pytest.mark.skipif(NGINX is None, reason="no nginx here")
def test_the_proxy_lets_clients_through(
        start_relay, redis_server, store, tmp_path):
    relay = start_relay(redis_server, "--trusted-proxies=127.0.0.1,unix")
    front = tmp_path / "front.sock"
    temp = "".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in (
        "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; pid {tmp_path}/pid; error_log stderr;"
        f"events {{}} http {{ access_log off; {temp} "
        f"server {{ listen unix:{front}; "
        f"{examples('nginx', relay.address)} }} }}")
    proxy = subprocess.Popen(
        [NGINX, "-p", str(tmp_path), "-c", "nginx.conf"],
        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(front.exists, 20, "nginx")
        run(through(relay, front, store))
    finally:
        proxy.terminate()
        proxy.wait()


async def through(relay, front, store):
    store.xadd(events_key("s"), {"event": dumps(step(1))})
    for path in (f"{EVENTS}?session_id=s&after=0-0", CHAT):
        async with websockets.unix_connect(
                str(front), f"ws://relay.example{path}",
                origin="http://relay.example",
                subprotocols=["relay.v1"], compression=None) as ws:
            await receive_type(ws, "relay.hello")
            if "after" in path:
                await receive_type(ws, "execution_step")
