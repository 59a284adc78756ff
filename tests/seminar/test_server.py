import http.client
import json
import socket
import sys
import threading
import time
from contextlib import contextmanager
from urllib.parse import quote

import pytest

from germ.errors import InputError, SeminarError
from germ.seminar.polynomials import LIMITS, Limits, describe_polynomial
from germ.seminar.server import WORKER, SiteServer, WorkerPool

# Stand-ins for the worker: what the server does must not depend on what the computation does.
ECHO = (sys.executable, "-c", "import json, sys; print(json.dumps({'text': json.loads(sys.stdin.readline())['K']}))")
SLEEP = (sys.executable, "-c", "import sys, time; k = sys.stdin.readline(); time.sleep(600 if 'slow' in k else 0); print('{}')")
CRASH = (sys.executable, "-c", "import os; os.abort()")


@contextmanager
def serving(folder, command, seconds=5.0):
    server = SiteServer(folder, 0, WorkerPool(2, seconds, command))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def get(server, path, **headers):
    port = server.server_address[1]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers={"Host": f"127.0.0.1:{port}", **headers})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body


def ask(server, polynomial, **headers):
    status, body = get(server, f"/api/newton?K={quote(polynomial)}", **headers)
    return status, json.loads(body)


def test_pages_and_answers(built):
    with serving(built.folder, ECHO) as server:
        assert server.server_address[0] == "127.0.0.1"
        status, body = get(server, "/polynomial.html")
        assert status == 200
        assert b'data-server="here"' in body
        assert b'data-server="none"' in (built.folder / "polynomial.html").read_bytes()
        assert get(server, "/talks/2022-11-24.html")[0] == 200
        assert get(server, "/talks/")[0] == 404, "no listings"
        assert get(server, "/../../../etc/passwd")[0] == 404
        assert ask(server, "x^2 + y^2") == (200, {"text": "x^2 + y^2"})


def test_too_much_is_refused_before_anything_is_computed(built):
    with serving(built.folder, CRASH) as server:
        assert ask(server, "x+" * LIMITS.length)[0] == 413
        assert ask(server, " ")[0] == 400


def test_only_this_machine_under_its_own_name(built):
    with serving(built.folder, ECHO) as server:
        assert get(server, "/index.html", Host="evil.example")[0] == 403
        assert get(server, "/api/newton?K=x", **{"Sec-Fetch-Site": "cross-site"})[0] == 403
        assert get(server, "/index.html", Host=f"localhost:{server.server_address[1]}")[0] == 200


@pytest.mark.parametrize("target", ["/api/newton?" + "&".join("abcdef"), "http://[bad/", "/%00.html", "/talks/%00"])
def test_an_address_that_cannot_be_read_is_a_bad_request(built, target, capsys):
    with serving(built.folder, ECHO) as server:
        port = server.server_address[1]
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            status = connection.recv(1000).split()[1]
        assert status in (b"400", b"404")
        assert ask(server, "x")[0] == 200
    assert capsys.readouterr().err == ""


def test_head_is_answered_to_this_machine_only(built):
    with serving(built.folder, ECHO) as server:
        for host, expected in ((f"127.0.0.1:{server.server_address[1]}", 200), ("evil.example", 403)):
            connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=30)
            connection.request("HEAD", "/index.html", headers={"Host": host})
            assert connection.getresponse().status == expected
            connection.close()


def test_slow_and_crashing_workers_do_not_stop_the_server(built):
    with serving(built.folder, SLEEP, seconds=1.0) as server:
        start = time.monotonic()
        found = []
        threads = [threading.Thread(target=lambda: found.append(ask(server, "slow"))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert time.monotonic() - start < 20
        assert all(status == 422 and ("Stopped after 1 seconds" in a["error"] or "busy" in a["error"]) for status, a in found)
        assert len(found) == 3
        assert ask(server, "quick")[0] == 200
    with serving(built.folder, CRASH) as server:
        for _ in range(4):
            status, answer = ask(server, "x")
            assert status == 422
            assert "stopped" in answer["error"]


def test_a_taken_port_is_a_message(built):
    with serving(built.folder, ECHO) as server, pytest.raises(SeminarError, match=r"cannot listen on 127\.0\.0\.1"):
        SiteServer(built.folder, server.server_address[1], server.pool)


def test_real_answers(built):
    with serving(built.folder, WORKER, seconds=30.0) as server:
        status, answer = ask(server, "x^2*y^2")
        assert status == 200
        assert answer["text"].startswith("λ = 1/2, m = 2, exact")
        assert answer["svg"]
        assert "λ = 5/12" in ask(server, "(y^2 - x^3)^2")[1]["text"]
        for bad in ("x^2 +", "z^2", "x^2 + y^2 + 0.5", "1 + x", "x^3", "(x+y)^41", "(x+y+1)^1000000", "exp(x)"):
            status, answer = ask(server, bad)
            assert status == 422, bad
            assert answer["error"], bad


def test_limits_are_checked():
    for text in ("x" * (LIMITS.length + 1), f"x^{LIMITS.degree + 1}", "x^2"):
        with pytest.raises(InputError):
            describe_polynomial(text, Limits(degree=1) if text == "x^2" else LIMITS)
