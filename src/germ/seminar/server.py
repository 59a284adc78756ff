"""`germ seminar serve`: the site on this machine, with an exact engine behind the page of Newton diagrams.

It binds to 127.0.0.1 only, and answers only requests that name it so (a web page elsewhere cannot reach it by a name of its own). Each
polynomial is computed in a process of its own, prepared in advance, which is killed when its time is over; the server itself computes
nothing and lives on.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from germ.errors import SeminarError
from germ.seminar.polynomials import LIMITS

HOST = "127.0.0.1"
WORKER = (sys.executable, "-m", "germ.seminar.polynomials")
WORKERS = 2


class WorkerPool:
    """Processes that wait for one question each; a process that has answered, or has been killed, is replaced.

    Args:
        size: How many questions may be computed at a time.
        seconds: Wall time of an answer.
        command: The worker.
    """

    def __init__(self, size: int = WORKERS, seconds: float = LIMITS.seconds, command: Sequence[str] = WORKER) -> None:
        self._seconds, self._command, self._closed = seconds, tuple(command), False
        self._slots = threading.BoundedSemaphore(size)
        self._ready: queue.SimpleQueue[subprocess.Popen[str]] = queue.SimpleQueue()
        for _ in range(size):
            self._ready.put(self._start())

    def _start(self) -> subprocess.Popen[str]:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "agg"}
        pipe = subprocess.PIPE
        return subprocess.Popen(self._command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, env=environment)

    def ask(self, question: dict[str, str]) -> dict[str, Any]:
        """Compute one answer; whatever happens to the worker, an answer comes.

        Args:
            question: The question.

        Returns:
            The worker's answer, or {"error": reason}.
        """
        if not self._slots.acquire(timeout=self._seconds):
            return {"error": "The server is busy with other polynomials. Try again in a few seconds."}
        worker = self._ready.get()
        try:
            output, _ = worker.communicate(json.dumps(question) + "\n", timeout=self._seconds)
            answer = json.loads(output)
            return answer if isinstance(answer, dict) else {"error": "The computation ended without an answer."}
        except subprocess.TimeoutExpired:
            return {"error": f"Stopped after {self._seconds:g} seconds. Use `germ rlct` with a larger budget."}
        except (ValueError, OSError):
            return {"error": "The computation was stopped: it needed more memory or time than the server allows."}
        finally:
            _end(worker)
            if not self._closed:
                self._ready.put(self._start())
            self._slots.release()

    def close(self) -> None:
        """End all waiting workers."""
        self._closed = True
        while not self._ready.empty():
            _end(self._ready.get())


def _end(worker: subprocess.Popen[str]) -> None:
    worker.kill()
    worker.wait()
    for stream in (worker.stdin, worker.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):  # unwritten input of a dead worker
                stream.close()


class SiteServer(ThreadingHTTPServer):
    """The server of one site.

    Args:
        folder: The site.
        port: The port; 0 takes a free one.
        pool: Who computes.

    Raises:
        SeminarError: If the port is taken.
    """

    daemon_threads = True

    def __init__(self, folder: Path, port: int, pool: WorkerPool) -> None:
        self.pool = pool
        try:
            super().__init__((HOST, port), partial(_Handler, directory=str(folder)))
        except (OSError, OverflowError) as error:
            raise SeminarError(f"cannot listen on {HOST}:{port}: {error}", "a free port", "choose another with --port") from None

    @property
    def address(self) -> str:
        """The site's address."""
        return f"http://{HOST}:{self.server_address[1]}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away is no news; anything else is."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def server_close(self) -> None:
        """Close the socket and end the workers."""
        super().server_close()
        self.pool.close()


class _Handler(SimpleHTTPRequestHandler):
    server: SiteServer
    server_version = "germ"
    sys_version = ""
    timeout = 30

    def do_GET(self) -> None:
        self._serve(self._get)

    def do_HEAD(self) -> None:
        self._serve(super().do_HEAD)

    def _serve(self, serve: Callable[[], None]) -> None:
        if not self._is_for_us():
            self.send_error(HTTPStatus.FORBIDDEN, "this server answers pages of its own only")
            return
        try:
            serve()
        except ValueError:  # an address that cannot be split, too many fields, a NUL in a path
            self.send_error(HTTPStatus.BAD_REQUEST, "an address that cannot be read")

    def _get(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/api/newton":
            self._answer(parse_qs(url.query, max_num_fields=4).get("K", [""])[0])
        elif url.path == "/polynomial.html":
            page = (Path(self.directory) / "polynomial.html").read_bytes().replace(b'data-server="none"', b'data-server="here"')
            self._send(page, "text/html; charset=utf-8")
        else:
            super().do_GET()

    def _is_for_us(self) -> bool:
        port = self.server.server_address[1]
        return self.headers.get("Host") in (f"{HOST}:{port}", f"localhost:{port}") and self.headers.get("Sec-Fetch-Site") != "cross-site"

    def _answer(self, polynomial: str) -> None:
        if not polynomial.strip():
            found, status = {"error": "No polynomial. Expected: a polynomial in x and y."}, HTTPStatus.BAD_REQUEST
        elif len(polynomial) > LIMITS.length:
            found = {"error": f"A polynomial of {len(polynomial)} characters. Expected: at most {LIMITS.length}."}
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        else:
            found = self.server.pool.ask({"K": polynomial})
            status = HTTPStatus.UNPROCESSABLE_ENTITY if "error" in found else HTTPStatus.OK
        self._send(json.dumps(found, ensure_ascii=False).encode(), "application/json; charset=utf-8", status)

    def _send(self, body: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def end_headers(self) -> None:
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Security-Policy", "default-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src 'self' blob:")
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def list_directory(self, path: Any) -> None:
        """No listings: a folder without a page is not found."""
        self.send_error(HTTPStatus.NOT_FOUND)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing: the terminal shows the address, not every request."""
