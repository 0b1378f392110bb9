"""Models as programs for the browser: the same numbers as torch, and one sentence where something is wrong."""

import importlib.util
import re
import shutil
import subprocess

import pytest
import torch

import train
from cvae import checkpoints, tasks
from cvae.browser import build, page, program
from cvae.browser.script import slim
from cvae.config import ModelConfig
from tests import runtime
from tests.conftest import ROOT
from tests.test_export import CONFIGS, FLOWS, SMALL, model_of

needs_node = pytest.mark.skipif(runtime.NODE is None, reason="needs node")
MADE = {name: config for name, config in CONFIGS.items() if name != "classifier"} | {
    "linear path": ModelConfig(
        network="conv", image_shape=(3, 16, 16), latent_dim=5, widths=(4, 8), linear=True, likelihood="gaussian"
    ),
    "batch norm": ModelConfig("autoencoder", latent_dim=7, image_shape=(1, 9, 11), widths=(16, 12), norm="batch"),
    "odd sides": ModelConfig("cvae", "conv", (1, 13, 10), 3, widths=(4, 6, 5), kernel=5, n_classes=4),
    "residual, unfolded": ModelConfig("cvae", "residual", (3, 8, 12), 5, n_classes=3, fold=1, **FLOWS, **SMALL),
    "perceptron after convolutions": ModelConfig(
        "cvae",
        "conv",
        latent_dim=4,
        widths=(4, 4),
        decoder="dense",
        decoder_widths=(20, 10),
        label_in="decoder",
        n_classes=10,
    ),
}
SHIPPED = [name for name in checkpoints.list_runs() if checkpoints.load_preset(name).model.kind.draws]
TOLERANCE = 0.4 / 255  # of a pixel: far below a level, and far above what the order of a sum makes


def with_statistics(model):
    """Give every BatchNorm statistics and weights unlike those of a fresh one, and every linear path components."""
    generator = torch.Generator().manual_seed(1)
    for name, tensor in model.state_dict().items():
        if name.endswith(("running_var", "spread")):
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
        elif name.endswith("components"):
            tensor.copy_(torch.randint(-127, 128, tensor.shape, generator=generator))
        elif name.endswith(("running_mean", "mean", "bias")):
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.1)
    return model.eval()


@pytest.mark.slow
@needs_node
@pytest.mark.parametrize("config", MADE.values(), ids=MADE)
@pytest.mark.parametrize("simd", [True, False], ids=["simd", "plain"])
@torch.inference_mode()
def test_every_part_of_every_family_agrees_with_torch(config, simd):
    model = with_statistics(model_of(config))
    calls, wanted = [], []
    for part, (kind, takes, gives) in program.parts(config).items():
        for n in (1, 3):
            rows = program.examples(config, takes, n)
            out = kind(model)(*rows)
            calls.append((part, dict(zip(takes, rows, strict=True))))
            wanted.append(dict(zip(gives, out if isinstance(out, tuple) else (out,), strict=True)))
    for answer, outputs in zip(runtime.run(model, calls, simd), wanted, strict=True):
        for name, tensor in outputs.items():
            torch.testing.assert_close(answer[name], tensor, atol=1e-4, rtol=1e-4)


@pytest.mark.slow
@needs_node
@pytest.mark.parametrize("name", SHIPPED)
@torch.inference_mode()
def test_shipped_models_make_the_same_pixels(name):
    model = checkpoints.load_run(name)
    config = model.config
    part, (kind, takes, gives) = list(program.parts(config).items())[-1]
    rows = program.examples(config, takes, 20)
    (answer,) = runtime.run(model, [(part, dict(zip(takes, rows, strict=True)))])
    assert (answer[gives[-1]] - kind(model)(*rows)).abs().max() < TOLERANCE


@pytest.mark.slow
@needs_node
@torch.inference_mode()
def test_one_row_serves_all_rows_of_another_input():
    model = model_of(MADE["inpainting"])
    x, visible = torch.rand(1, 1, 28, 28), torch.rand(1, 1, 28, 28) < 0.5
    u = torch.randn(8, 6, generator=torch.Generator().manual_seed(4))
    (answer,) = runtime.run(model, [("decoder", {"u": u, "x": x, "visible": visible.float()})])
    completed = tasks.inpaint(model, x, visible, n_samples=8, generator=torch.Generator().manual_seed(4))[0]
    torch.testing.assert_close(answer["pixels"], completed, atol=1e-4, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_stored_programs_are_those_of_their_models(name):
    assert program.stored(name) == program.text(checkpoints.load_run(name)), (
        f"make it anew: python -m cvae.browser.program {name}"
    )


def trained(data_root) -> int:
    """Train a small model for an epoch; return the exit status."""
    return train.main(["vae-dense-2d", "--data-dir", str(data_root), "--accelerator", "cpu", "--epochs", "1"])


@pytest.mark.slow
def test_a_finished_training_leaves_its_program_for_browsers(data_root, runs, capsys):
    assert trained(data_root) == 0
    assert program.stored(runs / "vae-dense-2d") and "browsers cannot" not in capsys.readouterr().out


@pytest.mark.slow
def test_a_model_that_browsers_cannot_run_is_said_in_one_line(data_root, runs, monkeypatch, capsys):
    monkeypatch.setattr("cvae.browser.lowering.UNARY", ())
    assert trained(data_root) == 0
    told = [line for line in capsys.readouterr().out.splitlines() if "browsers cannot" in line]
    assert len(told) == 1 and "no step for aten." in told[0] and "the server decodes" in told[0]
    assert not (runs / "vae-dense-2d" / program.PROGRAM).exists()


def test_a_program_of_another_configuration_is_not_used(runs):
    name = "vae-dense-2d"
    shutil.copytree(ROOT / "checkpoints" / name, runs / name)
    assert program.stored(name)
    path = runs / name / checkpoints.CONFIG
    path.write_text(path.read_text(encoding="utf-8").replace("bernoulli", "gaussian"), encoding="utf-8")
    assert program.stored(name) is None


@pytest.mark.parametrize(
    "spoil",
    [lambda good: good[: len(good) // 2], lambda good: good.replace('"decoder":', '"coder":'), lambda good: "[]"],
)
def test_a_damaged_program_is_made_anew(runs, spoil):
    shutil.copytree(ROOT / "checkpoints" / "vae-dense-2d", runs / "a")
    good = program.stored("a")
    (runs / "a" / program.PROGRAM).write_text(spoil(good), encoding="utf-8")
    assert program.stored("a") is None


@pytest.mark.parametrize(
    "module, call", [(program, []), (build, []), (program, ["nobody"]), (build, ["/dev/null/kernel.wasm"])]
)
def test_wrong_calls_of_its_commands_are_one_line(module, call, monkeypatch, capsys):
    monkeypatch.setattr(build, "FLAGS", ["-no-such-flag"])  # so that no compiler works long
    try:
        status = module.main(call)
    except SystemExit as ended:
        status = ended.code
    said = capsys.readouterr().err
    assert status == 2 and said.count("\n") == 1 and module.__name__ in said


@pytest.mark.parametrize("kl", ["NaN, 1", "1, Infinity", "-1e999, 0"])
def test_figures_that_are_no_numbers_stay_out_of_a_file(runs, kl):
    shutil.copytree(ROOT / "checkpoints" / "vae-dense-2d", runs / "a")
    (runs / "a" / checkpoints.METRICS).write_text(f'{{"kl_per_dim": [{kl}]}}', encoding="utf-8")
    assert page._dimensions("a", checkpoints.load_preset("a").model) == {"kl": None, "order": [0, 1]}


@pytest.mark.slow
@needs_node
def test_whatever_is_damaged_is_one_sentence(tmp_path):
    for name in ("vae-dense-2d", "cvae-small", "vae-conv"):
        folder = checkpoints.run_dir(name)
        command = [
            runtime.NODE,
            "tests/fuzz.mjs",
            runtime.BROWSER / "runtime.js",
            runtime.BROWSER / "kernel.wasm",
            folder,
            "350",
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-2000:]


@pytest.mark.slow
@needs_node
def test_a_call_that_no_step_can_do_is_named(monkeypatch):
    monkeypatch.setattr("cvae.browser.lowering.UNARY", ())
    with pytest.raises(ValueError, match="no step for aten.relu"):
        program.program(model_of(MADE["vae"]))


def test_runtime_kernel_and_bridge_are_small():
    """What every page with a live control gets before the model itself, uncompressed."""
    widgets = ROOT / "ui" / "widgets"
    ours = widgets / "runtime" / "local.js", widgets / "asker.js", widgets / "bridge.js"
    sent = [slim(path.read_text(encoding="utf-8")) for path in (runtime.BROWSER / "runtime.js", *ours)]
    assert sum(map(len, sent)) + (runtime.BROWSER / "kernel.wasm").stat().st_size <= 40_000


SCRIPTS = [path for folder in ("ui", "cvae") for path in (ROOT / folder).rglob("*.js")]


@pytest.mark.parametrize("path", SCRIPTS, ids=[path.name for path in SCRIPTS])
def test_what_is_left_out_of_a_script_is_never_part_of_a_text(path):
    text = path.read_text(encoding="utf-8")
    for line in text.splitlines():
        before, comment, _ = line.partition(" // ")
        odd = [mark for mark in "'\"`" if before.count(mark) % 2]
        assert not (comment and odd) and line.count("`") % 2 == 0, f"{path}: {line}"
    assert not re.search(r"(^|\s)//", slim(text), re.MULTILINE)


def test_a_script_loses_its_comments_and_nothing_else():
    text = '// Head.\n\n  const a = "https://b.c"; // why\n\n    // alone\n  if (a) {\n    b(1 / 2);\n  }\n'
    assert slim(text) == 'const a = "https://b.c";if (a) {b(1 / 2);}\n'


@pytest.mark.skipif(importlib.util.find_spec("ziglang") is None, reason=f"needs ziglang {build.ZIG}")
def test_the_kernel_is_what_its_source_builds(tmp_path):
    build.build(tmp_path / "kernel.wasm")
    assert (tmp_path / "kernel.wasm").read_bytes() == (runtime.BROWSER / "kernel.wasm").read_bytes()
