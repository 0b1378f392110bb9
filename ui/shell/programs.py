"""What a browser needs to run a model itself, each part at an address that names its content and may be kept for ever.

GET /api/program?model=NAME              JSON: the addresses of all these below /api/kept; 202 while it is being made
GET /api/kept/VERSION/runtime.js         kernel.wasm and digits.js: the same for every model, scripts without comments
GET /api/kept/VERSION/NAME/program.json  and model.safetensors: as they lie in the folder of the run
Nothing else of that folder is given away. Where the browser is not to run a model: status 400 and one line of text.
"""

import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

import streamlit as st
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from cvae import checkpoints
from cvae.browser import store
from cvae.browser.script import slim
from cvae.families import those
from ui.shell import link, resources

DRAWING = those(lambda family: family.draws)
RUNTIME = {"runtime": "runtime.js", "kernel": "kernel.wasm", "digits": "digits.js"}  # beside store.py
OF_MODEL = {"program": store.PROGRAM, "weights": checkpoints.WEIGHTS}
TYPES = {".js": "text/javascript", ".wasm": "application/wasm", ".json": "application/json"}
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
NOW = {"Cache-Control": "no-store"}
MOST = 48 * 2**20  # bytes of weights that a visitor's browser is asked to load
PATIENCE = 300  # seconds, for a program to be made
_maker = ThreadPoolExecutor(1)
_made: dict[tuple[Path, tuple[int, ...]], str] = {}  # runs without a program: "" while it is made, or why not


def answer_program(request: Request) -> Response:
    """Answer with the addresses of what runs a model in the browser."""
    name = request.query_params.get("model", "")
    try:
        resources.model(name, DRAWING)
        ready = _has_program(name)
    except ValueError as error:
        return PlainTextResponse(str(error), 400, headers=NOW)
    if not ready:
        return PlainTextResponse(f"the program of {name} is being made.", 202, headers=NOW)
    folder = checkpoints.ROOT / name
    shared = {key: f"{_version(_here(file))}/{file}" for key, file in RUNTIME.items()}
    own = {key: f"{_version(folder / file)}/{quote(name, safe='')}/{file}" for key, file in OF_MODEL.items()}
    return JSONResponse(shared | own, headers=NOW)


def answer_kept(request: Request) -> Response:
    """Answer with one file of the runtime or of a run, where its content is the one that the address names."""
    version, file, name = (request.path_params.get(key, "") for key in ("version", "file", "name"))
    known = OF_MODEL if name else RUNTIME
    if file not in known.values() or (name and name not in checkpoints.list_runs()):
        return PlainTextResponse("there is no such file.", 404)
    path = checkpoints.ROOT / name / file if name else _here(file)
    if not path.is_file() or _version(path) != version:
        return PlainTextResponse(f"{file} is another one by now; load the page again.", 404, headers=NOW)
    if path.suffix == ".js":
        return Response(_slim(path, version), headers=FOR_EVER, media_type=TYPES[".js"])
    # to compress weights would take long and win little
    encoding = {"Content-Encoding": "identity"} if file == checkpoints.WEIGHTS else {}
    kind = TYPES.get(path.suffix, "application/octet-stream")
    return FileResponse(path, headers=FOR_EVER | encoding, media_type=kind)


def routes() -> list[Route]:
    """Return the routes, below the path that the app is served at."""
    base = f"{link.base_path()}/api"
    kept = [Route(f"{base}/kept/{{version}}/{of}{{file}}", answer_kept) for of in ("", "{name}/")]
    return [Route(f"{base}/program", answer_program), *kept]


def _has_program(name: str) -> bool:
    """Tell whether a run has its program; False while it is being made, ValueError where a page shall not have it."""
    folder = checkpoints.ROOT / name
    if (size := (folder / checkpoints.WEIGHTS).stat().st_size) > MOST:
        raise ValueError(f"{name} has {size / 2**20:.0f} MB of weights, too many to load into a page.")
    if _stored(folder, _stamp(*(folder / file for file in (checkpoints.CONFIG, checkpoints.WEIGHTS, store.PROGRAM)))):
        return True
    key = folder, _stamp(folder / checkpoints.CONFIG, folder / checkpoints.WEIGHTS)
    if key not in _made:
        _made[key] = ""
        _maker.submit(_make, key)
    if _made[key]:
        raise ValueError(_made[key])
    return False


def _make(key: tuple[Path, tuple[int, ...]]) -> None:
    """Write the program of a run in a process of its own: it takes seconds, which no page shall wait for."""
    folder, _ = key
    command = [sys.executable, "-m", "cvae.browser.program", str(folder.resolve())]
    try:
        root = Path(store.__file__).parents[2]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=PATIENCE)
        said = done.stderr.strip().splitlines()[-1:]
    except (OSError, subprocess.SubprocessError) as error:
        said = [str(error)]
    if not store.stored(folder):
        _made[key] = f"{folder.name} has no program for browsers."
        print(_made[key], *said, file=sys.stderr)
    else:
        del _made[key]


def _here(file: str) -> Path:
    return Path(store.__file__).with_name(file)


@lru_cache(maxsize=4)
def _slim(path: Path, version: str) -> str:
    """Return a script as browsers get it, made once for each version."""
    return slim(path.read_text(encoding="utf-8"))


def _stamp(*paths: Path) -> tuple[int, ...]:
    """Return times and sizes of files, which change when they are written anew."""
    stats = [path.stat() if path.is_file() else None for path in paths]
    return tuple(value for stat in stats for value in ((stat.st_mtime_ns, stat.st_size) if stat else (0, 0)))


def _version(path: Path) -> str:
    return _digest(path, _stamp(path))


@st.cache_resource(show_spinner=False, max_entries=128)
def _digest(path: Path, stamp: tuple[int, ...]) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:20]


@st.cache_resource(show_spinner=False, max_entries=64)
def _stored(folder: Path, stamp: tuple[int, ...]) -> bool:
    return store.stored(folder) is not None
