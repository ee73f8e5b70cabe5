"""`sparring watch`: the live page over run folders, on this machine only."""

from __future__ import annotations

import os
import socket
import webbrowser
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from sparring.errors import SparringError

if TYPE_CHECKING:
    from fastapi import FastAPI
    from uvicorn import Server

HOST = "127.0.0.1"
PORTS_TRIED = 20


def serve(folder: Path, port: int = 8000, open_browser: bool = False) -> None:
    """Serve the live page until Ctrl-C.

    Args:
        folder: a run's folder, or a folder of run folders; it may still be empty.
        port: the first port to try, 0 to 65535; while one is taken the next is tried, 20 in all. 0 takes any free one.
        open_browser: show the page in the web browser.

    SparringError when the folder is not there, a package is missing or no port is free.
    """
    app = application(folder)
    listener = listen(port)
    taken = listener.getsockname()[1]
    address = f"http://{HOST}:{taken}"
    if port not in (0, taken):
        print(f"Port {port} is in use, so another one was taken.")
    print(f"Watching {folder} at {address} (Ctrl-C ends it)", flush=True)
    if open_browser:
        webbrowser.open(address)
    try:
        server(app).run(sockets=[listener])
    except KeyboardInterrupt:
        print()
    finally:
        listener.close()


def application(folder: Path) -> FastAPI:
    """The web application over a run's folder or a folder of runs, for any ASGI server.

    It answers to the names 127.0.0.1 and localhost only, reads nothing outside the folder and changes nothing.
    SparringError when the folder is not there or a package is missing.
    """
    plotly = _needed()
    from sparring.web.feed import Feed
    from sparring.web.routes import build

    return build(Feed(folder), plotly)


def server(app: FastAPI) -> Server:
    """The web server for the application: quiet, and with nothing but plain requests and answers."""
    import uvicorn

    settings = uvicorn.Config(
        app, log_level="warning", access_log=False, ws="none", lifespan="off", timeout_graceful_shutdown=2
    )
    return uvicorn.Server(settings)


def _needed() -> Path:
    """The file of plotly.js. SparringError where it or another package is missing."""
    missing = [name for name in ("fastapi", "uvicorn", "plotly") if find_spec(name) is None]
    if missing:
        raise SparringError(
            f"`sparring watch` needs {' and '.join(missing)}, not installed here; type: pip install 'sparring[web]'"
        )
    package = find_spec("plotly")
    places = package.submodule_search_locations if package else None
    for place in places or ():
        path = Path(place) / "package_data" / "plotly.min.js"
        if path.is_file():
            return path
    raise SparringError("the plotly package here lacks its plotly.min.js; type: pip install --force-reinstall plotly")


def listen(port: int) -> socket.socket:
    """A listening socket that only this machine reaches: on `port`, or else the next free one of 20.

    SparringError when there is no such port or none is free.
    """
    if not 0 <= port <= 65535:
        raise SparringError(f"there is no port {port}; ports go from 0 to 65535, and 8000 is the default")
    last = port if port == 0 else min(port + PORTS_TRIED - 1, 65535)
    reason = ""
    for candidate in range(port, last + 1):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if os.name == "posix":  # elsewhere this would let two servers share a port; here it frees one just left
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, candidate))
            listener.listen()
        except OSError as error:
            listener.close()
            reason = error.strerror or str(error)
            continue
        return listener
    raise SparringError(f"no port from {port} to {last} can be used ({reason}); give another one as --port")
