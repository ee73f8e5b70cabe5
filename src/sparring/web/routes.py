"""The addresses of the live page. Importing this needs fastapi; server.py asks for it first."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from importlib import resources
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware

from sparring.web.feed import Feed

FILES = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "charts.js": "text/javascript",
    "figures.js": "text/javascript",
    "panels.js": "text/javascript",
    "samples.js": "text/javascript",
    "words.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
# plotly.js sets the style of what it draws, which the browser counts as styles in the page.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def build(feed: Feed, plotly: Path) -> FastAPI:
    """The application over a feed; `plotly` is the file of plotly.js."""
    app = FastAPI(title="Sparring", docs_url=None, redoc_url=None, openapi_url=None)
    # A web page elsewhere may point a name of its own at 127.0.0.1 to read what is served there: refuse such names.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"], www_redirect=False)

    @app.middleware("http")
    async def guard(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await answer(request)
        response.headers.update(HEADERS)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    _page(app, plotly)
    _data(app, feed)
    return app


def _page(app: FastAPI, plotly: Path) -> None:
    """The page itself, and the files that it loads."""

    @app.get("/", response_model=None)
    def page() -> Response:
        return _file("page.html", "text/html")

    @app.get("/page/{name}", response_model=None)
    def part(name: str) -> Response:
        return _file(name, FILES[name]) if name in FILES else _absent()

    @app.get("/plotly.js", response_model=None)
    def library() -> Response:
        return FileResponse(plotly, media_type="text/javascript", headers={"Cache-Control": "private, max-age=3600"})


def _data(app: FastAPI, feed: Feed) -> None:
    """The runs."""

    @app.get("/api/runs", response_model=None)
    def runs() -> Response:
        return _json({"folder": feed.name, "runs": feed.runs()})

    @app.get("/api/runs/{name}", response_model=None)
    def run(name: str, cursor: str = "") -> Response:
        found = feed.read(name, cursor)
        return _absent() if found is None else _json(found)

    @app.get("/runs/{name}/neighbours.png", response_model=None)
    def neighbours(name: str) -> Response:
        return _picture(feed.picture(name, "neighbours.png"))

    @app.get("/runs/{name}/samples/{file}", response_model=None)
    def samples(name: str, file: str) -> Response:
        return _picture(feed.picture(name, f"samples/{file}"))


def _file(name: str, kind: str) -> Response:
    data = resources.files("sparring.web").joinpath(name).read_bytes()
    return Response(data, media_type=kind)


def _json(value: dict[str, Any]) -> Response:
    return Response(json.dumps(value, allow_nan=False, separators=(",", ":")), media_type="application/json")


def _picture(data: bytes | None) -> Response:
    """A picture; the page asks under another address once the file has changed, so this one may be kept."""
    if data is None:
        return _absent()
    return Response(data, media_type="image/png", headers={"Cache-Control": "private, max-age=86400"})


def _absent() -> Response:
    return Response("There is no such thing here.", status_code=404, media_type="text/plain")
