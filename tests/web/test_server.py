"""The live page's addresses: this machine only, nothing outside the folder, and an end that is quiet."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_up_run import MadeUp, serving

from sparring.errors import SparringError
from sparring.web import server

for module in ("fastapi", "uvicorn", "plotly"):
    pytest.importorskip(module, reason="pip install 'sparring[dev]'")

ELSEWHERE = (
    "/../secret.txt",
    "/page/../server.py",
    "/page/server.py",
    "/page/..%2Fserver.py",
    "/runs/../secret.txt",
    "/runs/first/samples/../config.yaml",
    "/runs/first/samples/..%2Fconfig.yaml",
    "/runs/first/samples/config.yaml",
    "/runs/first/config.yaml",
    "/runs/first/log.jsonl",
    "/runs/..%2Fsecret/samples/000003.png",
    "/runs/../secret/samples/000003.png",
    "/runs/../../etc/passwd",
    "/runs/%2e%2e/secret/samples/000003.png",
    "/api/runs/..",
    "/api/runs/..%2Fsecret",
    "/api/runs/%00",
    "/runs/first/samples/%00.png",
    "/docs",
    "/openapi.json",
)
HOSTS = ("evil.example", "evil.example:8000", "127.0.0.1.evil.example", "[::1]", "", "0.0.0.0")


@pytest.fixture
def port(runs: Path) -> Iterator[int]:
    """Where the page over `runs` is served."""
    with serving(runs) as port:
        yield port


def get(port: int, path: str, host: str | None = None) -> tuple[int, bytes, dict[str, str]]:
    """An answer to a path sent as it is: other clients tidy `..` away."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest("GET", path, skip_host=True)
        connection.putheader("Host", host if host is not None else f"127.0.0.1:{port}")
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


def test_the_page_and_all_that_it_loads_are_served_from_here(port: int) -> None:
    status, page, headers = get(port, "/")
    assert status == 200
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == policy["img-src"] == "'self'"
    wanted = {*re.findall(r'(?:src|href)="([^"]+)"', page.decode())}
    wanted.add("/plotly.js")
    seen: set[str] = set()
    while wanted - seen:
        address = (wanted - seen).pop()
        seen.add(address)
        status, body, headers = get(port, address)
        assert (status, bool(body)) == (200, True), address
        assert headers["x-content-type-options"] == "nosniff"
        if address.endswith(".js") and address != "/plotly.js":
            assert headers["content-type"].startswith("text/javascript")
            wanted |= {f"/page/{name}" for name in re.findall(r'from "\./([^"]+)"', body.decode())}
    files = {f"/page/{path.name}" for path in Path(server.__file__).parent.glob("*.[jcs]*s*") if path.suffix != ".py"}
    assert {address for address in files if not address.endswith(".html")} <= seen | {"/page/icon.svg"}


def test_runs_and_pictures_are_served(made_up: MadeUp, runs: Path, port: int) -> None:
    odd = MadeUp(runs / "100% für ?x=1&y#z")
    odd.report(3)
    odd.grid(3)
    listed = json.loads(get(port, "/api/runs")[1])
    assert {run["name"] for run in listed["runs"]} == {"first", odd.folder.name}
    name = "100%25%20f%C3%BCr%20%3Fx%3D1%26y%23z"
    status, body, _ = get(port, f"/api/runs/{name}")
    news = json.loads(body)
    assert (status, news["samples"][0][0]) == (200, "000003.png")
    again = json.loads(get(port, f"/api/runs/{name}?cursor={news['cursor']}")[1])
    assert (again["anew"], again["curves"]) == (False, [])
    status, body, headers = get(port, f"/runs/{name}/samples/000003.png?v=1")
    assert (status, headers["content-type"]) == (200, "image/png")
    assert body == (odd.folder / "samples" / "000003.png").read_bytes()


def test_another_host_name_is_refused(made_up: MadeUp, port: int) -> None:
    """Else a web page could point its own name at 127.0.0.1 and read the runs."""
    for host in HOSTS:
        assert [get(port, path, host)[0] for path in ("/", "/api/runs", "/plotly.js")] == [400] * 3, host
    assert get(port, "/api/runs", f"localhost:{port}")[0] == 200


def test_no_path_leads_elsewhere(made_up: MadeUp, runs: Path, port: int) -> None:
    secret = MadeUp(runs.parent / "secret")
    secret.grid(3)
    secret.report(3)
    made_up.grid(3)
    assert get(port, "/runs/first/samples/000003.png")[0] == 200
    assert {path: get(port, path)[0] for path in ELSEWHERE} == dict.fromkeys(ELSEWHERE, 404)


def test_only_this_machine_reaches_it() -> None:
    listener = server.listen(0)
    assert listener.getsockname()[0] == "127.0.0.1"
    listener.close()


def test_a_port_in_use_gives_way_to_the_next_free_one() -> None:
    with server.listen(0) as first:
        taken = first.getsockname()[1]
        if taken > 65500:
            pytest.skip("the free port was too near to the last one")
        with server.listen(taken) as second:
            assert taken < second.getsockname()[1] < taken + server.PORTS_TRIED


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_cannot_be_is_refused_in_a_sentence(port: int) -> None:
    with pytest.raises(SparringError, match="ports go from 0 to 65535"):
        server.listen(port)


def test_no_free_port_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PORTS_TRIED", 1)
    with server.listen(0) as first, pytest.raises(SparringError, match="give another one as --port"):
        server.listen(first.getsockname()[1])


def test_a_missing_package_is_named_with_what_installs_it(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = server.find_spec
    monkeypatch.setattr(server, "find_spec", lambda name: None if name == "uvicorn" else find(name))
    with pytest.raises(SparringError, match=r"needs uvicorn.*pip install 'sparring\[web\]'"):
        server.serve(runs)


@pytest.mark.skipif(os.name != "posix", reason="sends a Ctrl-C as posix does")
def test_it_says_where_it_is_and_ctrl_c_ends_it_quietly(made_up: MadeUp, runs: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = min(taken.getsockname()[1], 65500)
        code = f"from pathlib import Path; from sparring.web.server import serve; serve(Path({str(runs)!r}), {port})"
        with subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as watching:
            assert watching.stdout
            assert watching.stdout.readline() == f"Port {port} is in use, so another one was taken.\n"
            line = watching.stdout.readline()
            found = re.fullmatch(r"Watching .* at http://127\.0\.0\.1:(\d+) \(Ctrl-C ends it\)\n", line)
            assert found, line
            assert get(int(found[1]), "/api/runs")[0] == 200
            watching.send_signal(signal.SIGINT)
            rest, complaints = watching.communicate(timeout=20)
    assert (watching.returncode, rest.strip(), complaints) == (0, "", "")
