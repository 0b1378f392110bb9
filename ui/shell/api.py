"""Routes beside Streamlit's own, fast enough for every pointer move.

GET /api/sketch?task=...&bits=...                what the canvas shows (ui/shell/sketch.py): RGB pixels
GET /api/decode?model=NAME&z=0.1,-0.3[&label=7]  raw uint8 pixels: rows, columns, channels; z in base coordinates
GET /api/map?model=NAME                          the class map of a two-dimensional model, PNG
GET /api/points?model=NAME                       what the canvas of the Map page draws (ui/widgets/map/plot.py)
GET /api/sprite?model=NAME[&of=originals]        the pictures of all its points in one PNG
GET /api/program, /api/kept                      what a browser needs to decode by itself (ui/shell/programs.py)

What sketch and points tell of their bytes is JSON in the header X-About. Several labels, label=0,1,2, give one picture
after another. Whatever is wrong: status 400 and one line of text.
"""

import json
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from cvae import tasks
from ui.shell import codecs, images, link, programs, resources

if TYPE_CHECKING:
    from cvae.models import LatentModel

KEPT = "max-age=86400, immutable"
LARGEST = 100.0  # far outside every prior, still harmless to a network
TOGETHER = 16  # requests for pictures answered in one batch; tasks.decode would share out more, for threads anew
_worker = ThreadPoolExecutor(1)  # all models work in one thread: several only hinder each other in an interpreter


@dataclass(eq=False)
class Wish:
    """Points u (N, D) that somebody wants decoded by a model, with labels (N,) or None, and the pixels to come."""

    model: "LatentModel"
    u: torch.Tensor
    labels: torch.Tensor | None
    pixels: Future = field(default_factory=Future)


_wishes: list[Wish] = []


def decode(request: Request) -> Response:
    """Answer with the pixels at one point, for no label, one or several."""
    query = request.query_params
    try:
        model = resources.model(query.get("model", ""))
        labels = _labels(query.get("label"), model.config.n_classes)
        u = _point(query.get("z", ""), model.config.latent_dim)
    except ValueError as error:
        return PlainTextResponse(str(error), 400)
    wish = Wish(model, u if labels is None else u.expand(len(labels), -1), labels)
    _wishes.append(wish)
    _worker.submit(_grant, model)
    return Response(wish.pixels.result(), media_type="application/octet-stream", headers={"Cache-Control": "no-store"})


def _grant(model: "LatentModel") -> None:
    """Decode at once for all who wait for this model, up to TOGETHER, which takes little longer than for one."""
    wishes = [wish for wish in _wishes if wish.model is model][:TOGETHER]
    if not wishes:  # they were granted together with an earlier one
        return
    for wish in wishes:
        _wishes.remove(wish)
    try:
        labels = [wish.labels for wish in wishes if wish.labels is not None]  # of all, or of none
        u = torch.cat([wish.u for wish in wishes])
        pixels = images.to_uint8(tasks.decode(model, u, torch.cat(labels) if labels else None))
        for wish in wishes:
            wish.pixels.set_result(pixels[: len(wish.u)].tobytes())
            pixels = pixels[len(wish.u) :]
    except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
        for wish in wishes:
            wish.pixels.set_exception(error)


def answer_sketch(request: Request) -> Response:
    """Answer with the pictures that belong to a drawing or to a hole."""
    from ui.shell import sketch  # late: it imports SciPy, which the first picture of the app need not wait for

    try:
        found = _worker.submit(sketch.answer, request.query_params).result()
    except ValueError as error:
        return PlainTextResponse(str(error), 400)
    headers = {"Cache-Control": "no-store", "X-About": json.dumps(found.about())}
    return Response(found.pictures.tobytes(), media_type="application/octet-stream", headers=headers)


def class_map(request: Request) -> Response:
    """Answer with the picture behind the pad."""
    name = request.query_params.get("model", "")
    try:
        resources.model(name)
        found = resources.map_png(name)
    except ValueError as error:
        return PlainTextResponse(str(error), 400)
    if found is None:
        remedy = f"for a model of two dimensions run: python evaluate.py {name}"
        return PlainTextResponse(f"no class map of {name}; {remedy}", 400)
    return Response(found, media_type="image/png", headers={"Cache-Control": "max-age=3600"})


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
        found = resources.latent_map(name)
        if originals and resources.model(name).preset.data.dataset != "mnist":
            raise ValueError(f"the map of {name} is not one of MNIST's test digits.")
        content = resources.originals_sprite() if originals else found.sprite
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
    found = {"decode": _few_at_once(decode, 2 * TOGETHER), "sketch": _few_at_once(answer_sketch, 1)}
    found |= {"map": class_map, "points": points, "sprite": sprite}
    return [Route(f"{link.base_path()}/api/{name}", route) for name, route in found.items()] + programs.routes()


def _few_at_once(handler: Callable[[Request], Response], most: int) -> Callable:
    """Return a route that keeps at most so many threads of the server, whose others stay free for other answers."""
    limiter = CapacityLimiter(most)

    async def route(request: Request) -> Response:
        return await to_thread.run_sync(handler, request, limiter=limiter)

    return route
