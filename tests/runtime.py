"""The runtime of the browser, run in node on the program and the weights of a model."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from cvae.browser import program

HERE = Path(__file__).parent
BROWSER = Path(program.__file__).parent
NODE = shutil.which("node")


def text(row: Tensor) -> str:
    return base64.b64encode(np.ascontiguousarray(row.numpy(), dtype=np.float32).tobytes()).decode()


def run(model, calls: list[tuple[str, dict[str, Tensor]]], simd: bool = True, times: int = 0) -> list[dict]:
    """Return for each call of a part the outputs by name, and the milliseconds of `times` repetitions under `took`."""
    asked = {
        "program": program.text(model),
        "weights": base64.b64encode(save({k: v.contiguous() for k, v in model.state_dict().items()})).decode(),
        "calls": [[part, {name: text(row) for name, row in inputs.items()}] for part, inputs in calls],
        "times": times,
    }
    command = [NODE, HERE / "runtime.mjs", BROWSER / "runtime.js", BROWSER / "kernel.wasm" if simd else "-"]
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    answer = json.loads(done.stdout)
    assert answer["simd"] is simd
    parts = json.loads(asked["program"])["parts"]
    for call, (part, _) in zip(answer["answers"], calls, strict=True):
        for name, (_, shape) in parts[part]["outputs"].items():
            values = np.frombuffer(base64.b64decode(call["outputs"][name]), np.float32)
            call[name] = torch.from_numpy(values.copy()).view(-1, *shape)
    return answer["answers"]
