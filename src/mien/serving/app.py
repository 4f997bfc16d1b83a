"""The service over HTTP (docs/contract.md): pictures in, results out, the page at /."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from mien.errors import UsageError
from mien.serving import schema
from mien.serving.envelope import Envelope
from mien.serving.page import find_page
from mien.serving.problems import ProblemError, respond
from mien.serving.reference import STYLE, render
from mien.serving.service import Service

METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"]


def build_app(service: Service, origins: Sequence[str] = ()) -> FastAPI:
    """The application. origins: from which pages of other addresses may ask (CORS); none by default."""

    @asynccontextmanager
    async def live(app: FastAPI):
        yield
        service.close()

    app = FastAPI(
        title="mien",
        version=version("mien"),
        summary="Apparent facial expressions, with calibrated probabilities.",
        lifespan=live,
        docs_url=None,
        redoc_url=None,
    )
    _add_api(app, service)
    _add_watch(app, service)
    _add_reference(app, service)
    _add_rest(app)
    _add_errors(app)
    _add_page(app)
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=["X-Request-Id", "Retry-After"],
        )
    routes = {*app.openapi()["paths"], "/docs", "/openapi.json"}
    app.add_middleware(Envelope, metrics=service.metrics, routes=routes, styles=_hash(STYLE))
    return app


def _add_errors(app: FastAPI) -> None:
    """Each becomes a problem document; what is not expected, in the envelope."""

    def handle(kind: type[Exception], make: Callable[[Any], ProblemError]) -> None:
        async def handler(request: Request, error: Exception) -> Response:
            return respond(make(error))

        app.add_exception_handler(kind, handler)

    handle(ProblemError, lambda error: error)
    handle(HTTPException, lambda error: ProblemError(error.status_code, f"{error.detail}.", dict(error.headers or {})))


def _add_api(app: FastAPI, service: Service) -> None:
    """What is under /v1."""

    @app.post("/v1/predict", operation_id="predict", summary="Find the faces and name their expressions")
    async def predict(request: Request) -> JSONResponse:
        results, several = await service.recognize(request, whole=False)
        documents = [result.to_dict() for result in results]
        return JSONResponse({"results": documents} if several else documents[0])

    @app.post("/v1/classify", operation_id="classify", summary="Each picture is one face already cropped")
    async def classify(request: Request) -> JSONResponse:
        results, _ = await service.recognize(request, whole=True)
        faces = [result.faces[0].to_dict() if result.faces else {"error": result.error} for result in results]
        wanted = ("emotion", "confidence", "ambiguous", "probs", "error")
        return JSONResponse({"faces": [{key: face[key] for key in wanted if key in face} for face in faces]})

    @app.get("/v1/model", operation_id="model", summary="The network, and how well it was measured to do")
    async def model(request: Request) -> JSONResponse:
        service.gate.admit(request)
        known = ("name", "labels", "input", "parameters", "multiply_adds", "set_threshold", "files", "scores")
        return JSONResponse({key: service.about[key] for key in known} | {"sha256": service.model["sha256"]})


def _add_watch(app: FastAPI, service: Service) -> None:
    @app.get("/healthz", operation_id="healthz", summary="The process lives")
    async def healthz() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    @app.get("/readyz", operation_id="readyz", summary="It takes requests")
    async def readyz() -> JSONResponse:
        return JSONResponse({"status": "ending" if service.draining else "ready"}, 503 if service.draining else 200)

    @app.get("/metrics", operation_id="metrics", summary="For Prometheus")
    async def metrics(request: Request) -> Response:
        service.gate.admit(request)
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _add_reference(app: FastAPI, service: Service) -> None:
    """The description, for programs at /openapi.json and for people at /docs."""
    document = app.openapi()
    document["components"] = {"securitySchemes": schema.SECURITY}
    for methods in document["paths"].values():
        for operation in methods.values():  # not by FastAPI, which would leave out what is null in an example
            operation |= schema.operation(operation["operationId"], service.gate.closed, service.limits.pictures_at_once)
    app.openapi = lambda: document  # type: ignore[method-assign]

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(render(document))


def _add_rest(app: FastAPI) -> None:
    """Other methods and places, which the page's files, that stand everywhere else, would answer."""
    known = {path: ", ".join(sorted(kinds)).upper() for path, kinds in app.openapi()["paths"].items()}

    async def rest(request: Request) -> Response:
        if allowed := known.get(request.url.path):
            raise ProblemError(405, f"{request.method} is not what it takes, but {allowed}.", {"Allow": allowed})
        raise ProblemError(404, "there is nothing; /docs says what there is.")

    for path in [*known, "/v1/{rest:path}"]:
        app.add_api_route(path, rest, methods=METHODS, include_in_schema=False)


def _add_page(app: FastAPI) -> None:
    """Serves the page, where it is built, as gzip to browsers that take it: 5 MB in place of 13."""
    try:
        page = find_page()
    except UsageError as error:
        text = str(error)

        @app.get("/", include_in_schema=False)
        async def missing() -> PlainTextResponse:
            return PlainTextResponse(f"The API stands under /v1 (see /docs); {text}\n")

        return
    app.mount("/", GZipMiddleware(StaticFiles(directory=page, html=True), compresslevel=6), name="page")


def _hash(text: str) -> str:
    """As a content security policy names what stands in a page."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
