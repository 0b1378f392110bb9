"""How fast and how exactly models decode in headless Chromium and in Firefox, and how fast the app's controls follow.

Run it with nothing else on the machine: python benchmarks/browser.py [NAME ...] [--only decoding]
What many viewers cost the server is measured by benchmarks/viewers.py.
"""

import argparse
import base64
import json
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch

from benchmarks import drags
from benchmarks.machine import median_and_p95, table
from cvae import checkpoints
from cvae.browser import program
from cvae.browser.page import page as make
from tests.e2e import firefox
from tests.e2e.serving import running_browser

BROWSER = Path(program.__file__).parent
POINTS, TIMES, WARM = 1000, 300, 30
# model, rows in one call, what p50 and p95 must reach in Chromium, ms
BARS = {
    ("vae-dense-2d", 1): "0.5 / 1",
    ("cvae-conv", 1): "2 / 3",
    ("ae-conv-faces", 1): "3.5 / 5",
    ("cvae-conv", 10): "14 / 20",
}
PAGE = """<!doctype html><meta charset="utf-8"><title>waiting</title><script type="module">
%(runtime)s
const { program, weights, kernel, part, calls, times, warm } = %(data)s;
const raw = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
window.measure = async () => {
  const model = await load(program, raw(weights), kernel ? raw(kernel) : null), answers = [];
  for (const { inputs, timed } of calls) {
    const given = Object.fromEntries(Object.entries(inputs).map(([name, text]) => [name, new Float32Array(raw(text))]));
    const out = Object.values(model.run(part, given)).at(-1), took = [];
    for (let i = 0; timed && i < times + warm; i++) {
      const begin = performance.now();
      toLevels(Object.values(model.run(part, given)).at(-1));
      if (i >= warm) took.push(performance.now() - begin);
      if (i %% 10 === 0) await new Promise((done) => setTimeout(done, 0));
    }
    const levels = timed ? new Uint8Array() : toLevels(out);
    let text = "";
    for (let i = 0; i < levels.length; i += 8192) text += String.fromCharCode(...levels.subarray(i, i + 8192));
    answers.push({ took, levels: btoa(text) });
  }
  return JSON.stringify(answers);
};
document.title = "ready";
</script>"""

def text(row: torch.Tensor) -> str:
    return base64.b64encode(np.ascontiguousarray(row.numpy(), np.float32).tobytes()).decode()


def write_page(folder: Path, name: str, simd: bool) -> tuple[Path, list[int], np.ndarray]:
    """Write a page that measures a model's last part; return it, the rows of its timed calls and torch's levels."""
    model = checkpoints.load_run(name)
    part, (kind, takes, _) = list(program.parts(model.config).items())[-1]
    rows = program.examples(model.config, takes, POINTS)
    with torch.inference_mode():
        module = kind(model)
        wanted = torch.cat([module(*part_of) for part_of in zip(*(row.split(100) for row in rows), strict=True)])
    sizes = [1, 10] if model.config.n_classes else [1]
    calls = [{"inputs": {t: text(row[:n]) for t, row in zip(takes, rows, strict=True)}, "timed": True} for n in sizes]
    each = zip(*(row.split(100) for row in rows), strict=True)
    calls += [
        {"inputs": {t: text(row) for t, row in zip(takes, hundred, strict=True)}, "timed": False} for hundred in each
    ]
    data = {
        "program": program.stored(name),
        "weights": base64.b64encode((checkpoints.run_dir(name) / checkpoints.WEIGHTS).read_bytes()).decode(),
        "kernel": base64.b64encode((BROWSER / "kernel.wasm").read_bytes()).decode() if simd else "",
        "part": part,
        "calls": calls if simd else calls[: len(sizes)],
        "times": TIMES if simd else 20,
        "warm": WARM if simd else 2,
    }
    path = folder / f"{name}-{'simd' if simd else 'plain'}.html"
    runtime = (BROWSER / "runtime.js").read_text(encoding="utf-8")
    path.write_text(PAGE % {"runtime": runtime, "data": json.dumps(data)}, encoding="utf-8")
    return path, sizes, wanted.mul(255).round().byte().flatten().numpy()


def in_chromium(paths: list[Path]) -> list[list[dict]]:
    answers = []
    with running_browser() as browser:
        for path in paths:
            page = browser.new_page()
            page.goto(path.as_uri())
            page.wait_for_function("document.title === 'ready'")
            answers.append(json.loads(page.evaluate("measure()")))
            page.close()
    return answers


def in_firefox(paths: list[Path]) -> list[list[dict]] | None:
    """Return the same of Firefox; None where it is not installed."""
    if firefox.PATH is None:
        print("Firefox was left out: it is not installed.")
        return None
    answers = []
    with firefox.running_firefox() as tab:
        for path in paths:
            tab.visit(path.as_uri())
            tab.until("document.title === 'ready'")
            answers.append(json.loads(tab.evaluate("measure()")))
    return answers


def decoding_rows(names: list[str]) -> list[tuple[str, ...]]:
    """Return the table of decoding alone."""
    rows = [("model, rows", "browser", "ms, median / p95", "must reach", "levels apart, at most")]
    with tempfile.TemporaryDirectory() as folder:
        pages = [(name, simd, *write_page(Path(folder), name, simd)) for name in names for simd in (True, False)]
        for browser, measured in (("Chromium", in_chromium), ("Firefox", in_firefox)):
            answers = measured([page[2] for page in pages])
            for (name, simd, _, sizes, wanted), answer in zip(pages, answers or [], strict=False):
                levels = b"".join(base64.b64decode(call["levels"]) for call in answer[len(sizes) :])
                apart = abs(np.frombuffer(levels, np.uint8).astype(int) - wanted).max() if simd else ""
                for n, call in zip(sizes, answer, strict=False):
                    bar = BARS.get((name, n), "") if simd and browser == "Chromium" else ""
                    by = browser + ("" if simd else ", plain JavaScript")
                    rows.append((f"{name}, {n}", by, median_and_p95(call["took"]), bar, str(apart)))
    return rows


OPENED = """
const put = CanvasRenderingContext2D.prototype.putImageData;
CanvasRenderingContext2D.prototype.putImageData = function (...rest) {
  put.apply(this, rest);
  if (!window.asked) requestAnimationFrame(() => setTimeout(() => { window.opened = performance.now(); }));
  window.asked = true;
};
"""
OPENINGS = 9


def file_rows(names: list[str]) -> list[tuple[str, ...]]:
    """Return the table of exported files: their size, and how long each takes from disk to its first picture."""
    rows = [("file of", "MB", "opening to first picture, median and worst", "must reach")]
    with tempfile.TemporaryDirectory() as folder, running_browser() as browser:
        for name in names:
            path = Path(folder) / f"{name}.html"
            path.write_text(make(name), encoding="utf-8")
            took = []
            for _ in range(OPENINGS):
                opened = browser.new_context(bypass_csp=True).new_page()  # the file lets nobody evaluate
                opened.add_init_script(OPENED)
                opened.goto(path.as_uri())
                opened.wait_for_function("window.opened")
                took.append(opened.evaluate("window.opened") / 1000)
                opened.context.close()
            said = f"{statistics.median(took):.2f} s, {max(took):.2f} s"
            rows.append((name, f"{path.stat().st_size / 1e6:.2f}", said, "0.6 s"))
    return rows


def main() -> None:
    """Print the tables."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("names", nargs="*", metavar="NAME", help="models (default: all that draw)")
    p.add_argument("--only", choices=("decoding", "files", "drags"), help="one of the tables")
    options = p.parse_args()
    drawing = (name for name in checkpoints.list_runs() if checkpoints.load_preset(name).model.kind.draws)
    names = options.names or list(drawing)
    tables = {
        "decoding": ("Decoding in the browser", decoding_rows),
        "files": ("Exported files", file_rows),
        "drags": ("Live controls of the app, decoded in their page", drags.rows),
    }
    for key, (title, rows) in tables.items():
        if options.only in (None, key):
            table(title, rows(names))


if __name__ == "__main__":
    main()
