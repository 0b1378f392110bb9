"""Routes beside Streamlit's own, fast enough for every pointer move.

GET /api/sketch?task=...&bits=...                what the canvas shows (ui/shell/sketch.py): RGB pixels
GET /api/decode?model=NAME&z=0.1,-0.3[&label=7]  raw uint8 pixels: rows, columns, channels; z in base coordinates
GET /api/run?model=NAME&shelf=...                the way through kept points (ui/shell/shelf.py), GIF
GET /api/map?model=NAME                          the class map of a two-dimensional model, PNG
GET /api/points?model=NAME                       what the canvas of the Map page draws (ui/widgets/map/plot.py)
GET /api/sprite?model=NAME[&of=originals]        the pictures of all its points in one PNG
GET /api/program, /api/kept                      what a browser needs to decode by itself (ui/shell/programs.py)
GET /metrics                                     what an operator watches (ui/shell/metrics.py)

What sketch and points tell of their bytes is JSON in the header X-About. Several labels, label=0,1,2, give one picture
after another. Whatever is wrong: status 400 and one line of text. Who asks sketch, decode or run stands in a line
(ui/shell/line.py), with one place for all requests of the same header X-Client; 429 and 503 say that nothing was
computed, and Retry-After when to ask again.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from cvae import tasks
from ui.shell import codecs, images, link, metrics, moving, programs, resources
from ui.shell.line import Kind, Limits, Line, Refused, Wish

if TYPE_CHECKING:
    from cvae.models import LatentModel

KEPT = "max-age=86400, immutable"
LARGEST = 100.0  # far outside every prior, still harmless to a network
LIMITS = {  # more at a time save nothing; what may wait is done within a second, on two cores
    "decode": Limits(32, 64),
    "see": Limits(1, 64),
    "reconstruct": Limits(4, 32),
    "denoise": Limits(1, 16),
    "inpaint": Limits(1, 16),
    "run": Limits(1, 8),
}
UNDRAWN = {"decode", "run"}  # tasks that are about no drawing
MOST = 96  # who wait in all
NAMED = 64  # characters that tell a client from others


def _work(kind: Kind, queries: list[Mapping[str, str]]) -> list:
    from ui.shell import sketch  # late: it imports SciPy, which the first picture of the app need not wait for

    of_points = {"decode": decode_all, "run": moving.answer_all}.get(kind.task)
    return of_points(kind.model, queries) if of_points else sketch.answer_all(queries)


line = Line(_work, LIMITS, MOST, prepare=tasks.use_one_core)


async def decode(request: Request) -> Response:
    """Answer with the pixels at one point, for no label, one or several."""
    return await _stand_in_line(request, "decode", lambda pixels: _fresh(pixels, {}))


async def run(request: Request) -> Response:
    """Answer with the way through the points of a shelf."""
    kept = {"Cache-Control": "no-store"}
    return await _stand_in_line(request, "run", lambda made: Response(made, media_type="image/gif", headers=kept))


async def answer_sketch(request: Request) -> Response:
    """Answer with the pictures that belong to a drawing or to a hole."""
    task = request.query_params.get("task", "")
    if task not in LIMITS or task in UNDRAWN:
        return PlainTextResponse(f"task must be one of {', '.join(sorted(LIMITS.keys() - UNDRAWN))}.", 400)
    return await _stand_in_line(
        request, task, lambda answer: _fresh(answer.pictures.tobytes(), {"X-About": json.dumps(answer.about())})
    )


def _fresh(content: bytes, headers: dict[str, str]) -> Response:
    return Response(content, media_type="application/octet-stream", headers=headers | {"Cache-Control": "no-store"})


async def _stand_in_line(request: Request, task: str, respond: Callable[..., Response]) -> Response:
    """Return the response to what the line answers, unless whoever asked goes away before."""
    begin, query = time.perf_counter(), request.query_params
    name = query.get("painter" if task == "inpaint" and not query.get("label") else "model", "")
    asked = Wish(Kind(task, name), query, address=request.client.host if request.client else "")
    if who := request.headers.get("X-Client", "")[:NAMED]:
        asked.client = who
    try:
        response = await _answered(request, asked, respond)
    except Exception:
        metrics.tally.count(task, name, 500, time.perf_counter() - begin)
        raise
    metrics.tally.count(task, name, response.status_code, time.perf_counter() - begin)
    return response


async def _answered(request: Request, asked: Wish, respond: Callable[..., Response]) -> Response:
    answer, gone = asyncio.ensure_future(line.answer(asked)), asyncio.ensure_future(_gone(request))
    await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
    gone.cancel()
    if not answer.done():
        answer.cancel()
        return Response(status_code=408)  # which nobody reads
    try:
        return respond(answer.result())
    except Refused as error:
        return PlainTextResponse(str(error), error.status, headers={"Retry-After": "1", "Cache-Control": "no-store"})
    except ValueError as error:
        return PlainTextResponse(str(error), 400)


async def _gone(request: Request) -> None:
    """Return when the connection of a request ends."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def decode_all(name: str, queries: list[Mapping[str, str]]) -> list[bytes | ValueError]:
    """Return the pixels that each query asks of a model, or what is wrong with it, decoded in one call."""
    try:
        model = resources.model(name)
    except ValueError as error:
        return [error] * len(queries)
    tried: list = [_read(query, model) for query in queries]
    asked = [read for read in tried if not isinstance(read, ValueError)]
    labels = [labels for _, labels in asked if labels is not None]  # of all, or of none
    if asked:
        u = torch.cat([u for u, _ in asked])
        pixels = iter(images.to_uint8(tasks.decode(model, u, torch.cat(labels) if labels else None)))
    return [
        read if isinstance(read, ValueError) else b"".join(next(pixels).tobytes() for _ in read[0]) for read in tried
    ]


def _read(query: Mapping[str, str], model: "LatentModel") -> tuple[torch.Tensor, torch.Tensor | None] | ValueError:
    """Return the points u (N, D) of a query and their labels (N,) or None, or what is wrong with them."""
    try:
        labels = _labels(query.get("label"), model.config.n_classes)
        u = _point(query.get("z", ""), model.config.latent_dim)
    except ValueError as error:
        return error
    return u if labels is None else u.expand(len(labels), -1), labels


def class_map(request: Request) -> Response:
    """Answer with the picture behind the pad."""
    name = request.query_params.get("model", "")
    try:
        resources.model(name)
        picture = resources.map_png(name)
    except ValueError as error:
        return PlainTextResponse(str(error), 400)
    if picture is None:
        remedy = f"for a model of two dimensions run: python evaluate.py {name}"
        return PlainTextResponse(f"no class map of {name}; {remedy}", 400)
    return Response(picture, media_type="image/png", headers={"Cache-Control": "max-age=3600"})


def points(request: Request) -> Response:
    """Answer with the points of a map; the address changes with the map, so they may be kept."""
    try:
        content, about = resources.map_points(request.query_params.get("model", ""))
    except ValueError as error:
        return PlainTextResponse(str(error), 400)
    headers = {"Cache-Control": KEPT, "X-About": json.dumps(about)}
    return Response(content, media_type="application/octet-stream", headers=headers)


def sprite(request: Request) -> Response:
    """Answer with the reconstructions of a map's points, or with the real digits where they are on this machine."""
    name, originals = request.query_params.get("model", ""), request.query_params.get("of") == "originals"
    try:
        held = resources.latent_map(name)
        if originals and resources.model(name).preset.data.dataset != "mnist":
            raise ValueError(f"the map of {name} is not one of MNIST's test digits.")
        content = resources.originals_sprite() if originals else held.sprite
    except ValueError as error:
        return PlainTextResponse(str(error), 400)
    return Response(content, media_type="image/png", headers={"Cache-Control": KEPT})


def _point(text: str, dims: int) -> torch.Tensor:
    """Return z (1, dims); ValueError unless there are exactly `dims` finite numbers of reasonable size."""
    parts = text.split(",") if text else []
    if len(parts) != dims:
        raise ValueError(f"z must be {dims} numbers with commas between them; got {len(parts)}.")
    values = [codecs.number(part, -LARGEST, LARGEST) for part in parts]
    if None in values:
        raise ValueError(f"z must be numbers from -{LARGEST:g} to {LARGEST:g}, such as 0.1,-0.3; one is not.")
    return torch.tensor([values])


def _labels(text: str | None, n_classes: int) -> torch.Tensor | None:
    """Return labels (N,) for a conditional model and None for another; ValueError for what does not fit."""
    if not n_classes:
        if text is not None:
            raise ValueError("this model takes no label.")
        return None
    parts = (text or "").split(",")
    labels = [codecs.whole(part, n_classes) for part in parts]
    if None in labels or len(parts) > n_classes:
        raise ValueError(
            f"label must be a whole number from 0 to {n_classes - 1}, or up to {n_classes} of them with commas between."
        )
    return torch.tensor(labels)


def routes() -> list[Route]:
    """Return the routes, below the path that the app is served at."""
    routes: dict[str, Callable] = {"decode": decode, "run": run, "sketch": answer_sketch}
    routes |= {"map": class_map, "points": points, "sprite": sprite}
    own = [Route(f"{link.base_path()}/api/{name}", route) for name, route in routes.items()]
    return [*own, Route(f"{link.base_path()}/metrics", watched), *programs.routes()]


async def watched(request: Request) -> Response:
    """Answer with what an operator watches."""
    return metrics.answer(line)
