"""`mien serve`: the page and the API."""

import sys
import tempfile
from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from mien.cli.options import DetectorName, EngineName, MaxFaces, MinFace, ModelName, Threshold
from mien.cli.output import say
from mien.errors import UsageError, lacking

LOOPBACK = ("127.0.0.1", "::1", "localhost")
EVERYWHERE = ("0.0.0.0", "::")


def serve(
    host: Annotated[str, typer.Option(help="Any but loopback needs a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: one that is free.")] = 8000,
    token_file: Annotated[Path | None, typer.Option(help="Tokens that are let in, one a line; also in MIEN_TOKENS.")] = None,
    lan: Annotated[bool, typer.Option("--lan", help="For phones in this network: https, a token, a QR code.")] = False,
    origin: Annotated[list[str] | None, typer.Option(help="Pages of this address may ask too (CORS).")] = None,
    rate: Annotated[int, typer.Option(min=0, help="Requests a minute for each token; 0: any number.")] = 0,
    queue: Annotated[int, typer.Option(min=1, help="Pictures that wait or are worked on, at most.")] = 64,
    together: Annotated[int, typer.Option(min=1, help="Pictures that a worker takes at once; 1: no batches.")] = 8,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0: as many as there are cores.")] = 0,
    min_face: MinFace = 0,
    max_faces: MaxFaces = None,
    threshold: Threshold = 0.5,
    model: ModelName = "mien",
    detector: DetectorName = "full_range",
    engine: EngineName = "litert",
) -> None:
    """Serve the page at / and the API under /v1 (see /docs). Ctrl-C or SIGTERM ends it; what is under way is answered."""
    try:
        from mien.serving.app import build_app
        from mien.serving.gate import Gate, read_tokens
        from mien.serving.lan import find_address, invite, new_token, write_certificate
        from mien.serving.log import set_up
        from mien.serving.run import end_tidily, open_port
        from mien.serving.run import serve as run
    except ModuleNotFoundError as error:
        raise lacking(f"mien serve needs {error.name}", "serve") from None
    from mien.inference.recognizer import Recognizer
    from mien.serving.limits import Limits
    from mien.serving.service import Service

    tokens = read_tokens(token_file) or ([new_token()] if lan else [])
    if host not in LOOPBACK and not tokens:
        raise UsageError(f"--host {host}: others can reach it, so it needs a token: --token-file FILE, or MIEN_TOKENS.")
    address = find_address() if lan and host in LOOPBACK + EVERYWHERE else host
    listener = open_port(address if host in LOOPBACK else host, port)
    limits = Limits(queue=queue, together=together)
    build = partial(Recognizer, model, detector, engine=engine, threshold=threshold, min_face_px=min_face, max_faces=max_faces)
    service = Service(build, limits, Gate(tokens, rate), workers)
    set_up()
    end_tidily()
    with closing(service), tempfile.TemporaryDirectory(prefix="mien-") if lan else nullcontext("") as folder:
        secure = write_certificate(Path(folder), address) if folder else ()
        url = name_url(address, listener.getsockname()[1], secure=lan)
        service.start()
        words = invite(url, tokens[0], secure[0]) if secure else f"mien: {url} (the API's description: {url}docs)"
        print(words, file=sys.stderr, flush=True)
        if absent := missing_page():
            say(absent)
        run(build_app(service, origin or ()), service, listener, *map(str, secure))


def missing_page() -> str:
    """What to know where / shows no page; empty where it does."""
    from mien.serving.page import find_page

    try:
        find_page()
    except UsageError as error:
        return f"/ answers without the page: {error}"
    return ""


def name_url(host: str, port: int, secure: bool) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if secure else 'http'}://{shown}:{port}/"
