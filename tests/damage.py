"""A stranger's folder: a small zoo with every file that a folder may hold, ways to damage each, and all who read it."""

import io
import json
import struct
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save

from cvae import checkpoints, faces, progress, run_state, sliders, tasks
from cvae.browser import store
from cvae.config import Preset
from cvae.families import FAMILIES
from cvae.models import build_model
from tests.app import MODELS, fill
from tests.test_faces import CONFIG as FACES
from tests.test_faces import small_model, small_space
from tests.test_sliders import straight
from ui.models import diagram, zoo
from ui.shell import caching, images, resources

DAMAGED = ("labels", "painter", "small")  # what a damaged file belongs to; the others must go on
STATE = MODELS["painter"]
HISTORY = "epoch,train_nll,train_kl,val_nll,val_kl,beta,seconds\n1,200,20,180,21,1,30\n2,150,,140,20,1,31\n"


def fill_all(root: Path) -> None:
    """Write the small zoo and a model of faces into `root`, with every file that train.py and evaluate.py write."""
    fill(root)
    checkpoints.save_run(root / "small", Preset("small", "Faces.", FACES), small_model().state_dict())
    faces.save(root / "small", small_space())
    sliders.save(root / "labels", straight())
    pictures = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1), dtype=np.uint8)
    for name in ("labels", "painter"):
        (root / name / "history.csv").write_text(HISTORY, encoding="utf-8")
        for epoch in (1, 2):
            progress.add(root / name, epoch, {"reconstructions": pictures, "samples": pictures})
        _write_program(root / name)
    _write_state(root / "painter")


def _write_program(folder: Path) -> None:
    """Write a program with all that is told of one but its steps, which take torch.export seconds to make."""
    config = checkpoints.load_preset(folder).model
    tensors = {name: value.numel() for name, value in load_file(folder / checkpoints.WEIGHTS).items()}
    part = {"tensors": list(tensors), "sizes": list(tensors.values()), "inputs": [], "once": [], "steps": []}
    made = {"format": store.FORMAT, "config": store.digest(config), "parts": dict.fromkeys(store.parts(config), part)}
    checkpoints.write_text(folder / store.PROGRAM, json.dumps(made))
    assert store.stored(folder)


def _write_state(folder: Path) -> None:
    """Write what a training of one step leaves to go on from."""
    model, average = build_model(STATE), build_model(STATE)
    optimizer = torch.optim.AdamW(model.parameters())
    sum(weights.square().sum() for weights in model.parameters()).backward()
    optimizer.step()
    rows = [dict.fromkeys(run_state.COLUMNS, 1.0)]
    state = run_state.RunState(model, average, rows)
    run_state.save(folder, checkpoints.load_preset(folder), state, optimizer)


def read_all(name: str) -> None:
    """Read all files of a folder as pages and command lines do; any error but one line of its own passes through."""
    folder = checkpoints.ROOT / name
    every = tuple(FAMILIES)
    listed, problems = resources.available(every)
    assert set(MODELS) - set(DAMAGED) <= set(listed), problems
    assert all(len(problem) < 1000 and "\n" not in problem for problem in problems)
    json.dumps([resources.figures(name), resources.progress(name) is None], ensure_ascii=False).encode()
    for read in (resources.history, resources.spread, resources.map_figures):
        read(name)
    if name not in listed:
        _refused(lambda: resources.model(name, every))
        return
    model = resources.model(name, every)
    zoo.rows({name: listed[name]}, zoo.COLUMNS if model.config.kind.decodes else zoo.OUTCOMES)
    diagram.svg(model.config)
    for read in (_draw, _slide, _read_map, resources.space):
        _refused(lambda read=read: read(name))
    store.stored(folder)
    _refused(lambda: _resume(folder))


def _refused(read: Any) -> None:
    """Call what may be refused: in one line, by a ValueError or because a file is missing."""
    try:
        read()
    except (ValueError, FileNotFoundError) as error:
        assert not isinstance(error, UnicodeError | json.JSONDecodeError | np.exceptions.AxisError), repr(error)
        assert 0 < len(str(error)) < 1000, repr(error)


def _draw(name: str) -> None:
    """Make a picture with a model, as each page does."""
    model = resources.model(name, tuple(FAMILIES))
    x = torch.full((1, *model.config.image_shape), 0.5)
    if model.config.kind.decodes:
        labels = torch.zeros(1, dtype=torch.int64) if model.config.n_classes else None
        images.to_uint8(tasks.decode(model, torch.zeros(1, model.config.latent_dim), labels))
    elif model.config.kind.completes:
        images.to_uint8(tasks.inpaint(model, x, x[:, :1] > 0)[:, 0])


def _slide(name: str) -> None:
    """Ask for the curves of the sliders with names."""
    model, stored = resources.model(name, tuple(FAMILIES)), resources.sliders_of(name)
    if stored is not None:
        label = torch.zeros(1, dtype=torch.int64) if model.config.n_classes else None
        curves = sliders.through(stored, model, torch.zeros(model.config.latent_dim), label)
        json.dumps([[curve.values.tolist(), curve.points.tolist()] for curve in curves])


def _read_map(name: str) -> None:
    """Ask for all that pages show of a map."""
    if resources.encoded(name) is not None:
        resources.map_png(name), resources.landmarks(name)
    resources.map_points(name), resources.thumbnail_map(name), resources.pictures(name)
    resources.neighbours(name, "latent"), resources.neighbours(name, "reconstructions")


def _resume(folder: Path) -> None:
    preset = checkpoints.load_preset(folder)
    run_state.epochs_done(folder, preset)
    state = SimpleNamespace(model=build_model(STATE), average=build_model(STATE), history=[], moments={})
    run_state.load(folder, preset, state)
    run_state.give_moments(torch.optim.AdamW(state.model.parameters()), state.moments, folder)


def forget() -> None:
    """Empty the caches, so that a file is read although its time is the same."""
    caching.shared.clear()


# ways to damage a file

VALUES = st.one_of(  # JSON in the place of a value
    st.sampled_from(
        ["null", "true", "-1", "0", "3", "0.5", "-2.5", "1e999", "NaN", "1000000000", "9" * 20, "9" * 5000]
        + ['""', '"a"', '"\\ud800"', '"9"', "[]", "{}", '["a"]', "[-3]", "[64.5]", "[2000000000]", "[9000, 90000]"]
        + ["[1, 28]", "[3, 40000, 40000]", "[[1]]", '{"a": 1}', "[" * 60_000 + "]" * 60_000]
        + ["[0" + ", 0" * 20_000 + "]"]
    ),
    st.integers().map(str),
    st.text(max_size=20).map(json.dumps),
)
HOLE = "a value of no file"


def spoiled_bytes(content: bytes) -> st.SearchStrategy[bytes]:
    """Return ways to lose, change or add bytes."""
    n = len(content)
    flips = st.lists(st.tuples(st.integers(0, n - 1), st.integers(1, 255)), min_size=1, max_size=8)
    return st.one_of(
        flips.map(lambda places: _flipped(content, places)),
        st.integers(0, n - 1).map(lambda keep: content[:keep]),
        st.integers(0, n - 1).map(lambda start: content[start:]),
        st.binary(max_size=64).map(lambda more: content + more),
        st.binary(max_size=200),
        st.tuples(st.integers(0, n - 1), st.integers(1, 400)).map(
            lambda part: content[: part[0]] + bytes(min(part[1], n - part[0])) + content[part[0] + part[1] :]
        ),
    )


def _flipped(content: bytes, places: list[tuple[int, int]]) -> bytes:
    changed = bytearray(content)
    for at, by in places:
        changed[at] ^= by
    return bytes(changed)


@st.composite
def spoiled_json(draw: Any, text: str) -> str:
    """Return a way to change, to lose or to add one value at any depth of JSON."""
    content = json.loads(text)
    at, key = draw(st.sampled_from(_places(content)))
    change = draw(st.sampled_from(["value"] * 6 + ["lost", "new"]))
    if change == "lost":
        del at[key]
    elif change == "new" and isinstance(at, dict):
        at[draw(st.text(max_size=8))] = HOLE
    else:
        at[key] = HOLE
    return json.dumps(content).replace(json.dumps(HOLE), draw(VALUES))


def _places(content: Any) -> list[tuple[Any, Any]]:
    """Return every value inside JSON as its container and key."""
    keys = list(content) if isinstance(content, dict) else range(len(content)) if isinstance(content, list) else ()
    return [place for key in keys for place in ((content, key), *_places(content[key]))]


ARRAYS = st.sampled_from(
    [
        *(np.zeros((), kind) for kind in ("f4", "i8", "U3")),
        *(np.zeros(0, kind) for kind in ("f4", "u1", "U1")),
        *(np.zeros((200, 10), kind) for kind in ("f2", "f8", "c8", ">f4", "M8[s]", "?")),
        *(np.full((200, 10), value, "f4") for value in (np.nan, np.inf, 1e30, -7)),
        *(np.full(200, value, kind) for value, kind in ((3, "f2"), (10**15, "i8"), (-1, "i8"), (255, "u1"), (9, "u1"))),
        *(np.zeros((200, 2), kind) for kind in ("f2", "f4")),
        *(np.zeros(shape, "i1") for shape in ((60, 0), (0, 6), (60, 6), (60, 7), (60, 2))),
        *(np.full(60, value, "u2") for value in (0, 65535)),
        *(np.zeros(shape, "f2") for shape in ((2, 2, 6), (6, 6), (1, 6, 6), (12,), (1, 6), (0, 2, 6))),
        np.array("{}"),
        np.array('{"weights": "", "figures": {"tsne": 3}}'),
        np.array("[" * 50_000),
        np.array(["\ud800", "a"]),
        np.array([2, 1]),
        np.array([1, 1]),
        np.arange(1, 5000),
        np.array([{}], dtype=object),
    ]
)


@st.composite
def spoiled_archive(draw: Any, content: bytes) -> bytes:
    """Return a way to replace or to lose an array, or to let its head or the directory claim another size."""
    with np.load(io.BytesIO(content)) as stored:
        arrays = {name: stored[name] for name in stored.files}
    name = draw(st.sampled_from(sorted(arrays)))
    if draw(st.integers(0, 5)) == 0:
        del arrays[name]
    elif draw(st.integers(0, 5)) > 0:
        arrays[name] = draw(ARRAYS)
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    if draw(st.integers(0, 3)):
        return out.getvalue()
    return _claiming(out.getvalue(), draw(st.sampled_from([(10**12,), (-1,), (2**31, 2**31), (), (200, 10, 1)])))


def _claiming(content: bytes, shape: tuple[int, ...]) -> bytes:
    """Return an archive whose first array claims another shape."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for i, info in enumerate(old.infolist()):
            body = old.read(info)
            if i == 0:
                stream = io.BytesIO()
                np.lib.format.write_array_header_1_0(stream, {"descr": "<f4", "fortran_order": False, "shape": shape})
                body = stream.getvalue() + body[-64:]
            new.writestr(info.filename, body)
    return out.getvalue()


@st.composite
def spoiled_tensors(draw: Any, path: Path) -> bytes:
    """Return a way to change one tensor, or the JSON beside them, in a safetensors file."""
    tensors = load_file(path)
    with safe_open(path, "pt") as file:
        metadata = dict(file.metadata() or {})
    name = draw(st.sampled_from(sorted(tensors)))
    if metadata and draw(st.booleans()):
        key = draw(st.sampled_from(sorted(metadata)))
        metadata[key] = draw(spoiled_json(metadata[key]))
    elif draw(st.integers(0, 4)) == 0:
        del tensors[name]
    else:
        value = tensors[name]
        changes = [value.flatten()[:1].expand(3).clone(), torch.full_like(value, 99), torch.zeros_like(value)]
        changes += [value[None], value.double(), value.to(torch.int32), value.to(torch.complex64), value > 0]
        changes += [torch.full(value.shape, torch.nan), torch.zeros(0)]
        tensors[name] = draw(st.sampled_from(changes)).contiguous()
    return save(tensors, metadata)


@st.composite
def spoiled_header(draw: Any, content: bytes) -> bytes:
    """Return a way to change the JSON at the head of a safetensors file, whose length is told anew or not."""
    (length,) = struct.unpack_from("<Q", content)
    header = draw(spoiled_json(content[8 : 8 + length].decode())).encode()
    told = draw(st.sampled_from([len(header), length, 2**40, 0]))
    return struct.pack("<Q", told) + header + content[8 + length :]


def spoiled(path: Path) -> st.SearchStrategy[bytes]:
    """Return all ways to damage a file, by its kind."""
    content = path.read_bytes()
    ways = [spoiled_bytes(content)]
    if path.suffix == ".json":
        ways += 2 * [spoiled_json(content.decode()).map(lambda text: text.encode("utf-8", "surrogatepass"))]
    if path.suffix == ".npz":
        ways += 2 * [spoiled_archive(content)]
    if path.suffix == ".safetensors":
        ways += [spoiled_tensors(path), spoiled_header(content)]
    return st.one_of(ways)
