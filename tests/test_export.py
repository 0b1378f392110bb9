"""Models of every family as ONNX: the same numbers as torch for any batch, and one line where it does not work."""

import numpy as np
import onnxruntime
import pytest
import torch

from cvae import checkpoints, export, tasks
from cvae.config import ModelConfig, Preset
from cvae.models import build_model

SMALL = {"widths": (4, 8), "blocks": (1, 1)}
FLOWS = {"flow_layers": 2, "flow_width": 8}
CONFIGS = {
    "autoencoder": ModelConfig("autoencoder", "conv", (3, 16, 16), 5, widths=(4, 8), likelihood="gaussian"),
    "vae": ModelConfig(latent_dim=3, image_shape=(1, 9, 9), widths=(16,)),
    "flows": ModelConfig(network="residual", latent_dim=5, posterior_flow_layers=2, **FLOWS, **SMALL),
    "cvae": ModelConfig("cvae", "residual", latent_dim=6, n_classes=3, **FLOWS, **SMALL),
    "label in the decoder": ModelConfig("cvae", "conv", latent_dim=4, n_classes=3, label_in="decoder", widths=(4, 8)),
    "inpainting": ModelConfig("inpainting", "residual", latent_dim=6, posterior_flow_layers=2, **FLOWS, **SMALL),
    "dense inpainting": ModelConfig("inpainting", latent_dim=6, widths=(16,)),
    "denoising": ModelConfig("denoising", "residual", latent_dim=0, **SMALL),
    "classifier": ModelConfig("classifier", "conv", widths=(4, 8), n_classes=4),
}


def model_of(config: ModelConfig):
    torch.manual_seed(0)
    model = build_model(config).eval().requires_grad_(False)
    for flow in (getattr(model, name, None) for name in ("flow", "posterior_flow")):
        for net in flow.nets if flow is not None else ():
            torch.nn.init.normal_(net[-1].weight, std=0.3)
    return model


def run(path, **inputs: torch.Tensor) -> list[torch.Tensor]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return [torch.from_numpy(a) for a in session.run(None, {name: x.numpy() for name, x in inputs.items()})]


@pytest.mark.slow
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_every_family_is_written_and_agrees_with_torch(config, tmp_path):
    written = export.export(model_of(config), tmp_path)
    assert {path.stem for path in written} == set(export.parts(config)) and max(written.values()) < 1e-4
    assert sorted(tmp_path.iterdir()) == sorted(written)  # weights within the file


@pytest.mark.slow
def test_encoder_and_decoder_together_reconstruct(tmp_path):
    model = model_of(CONFIGS["cvae"])
    export.export(model, tmp_path)
    for n in (1, 5, 300):
        x, label = torch.rand(n, 1, 28, 28), torch.arange(n) % 3
        mu, logvar, u = run(tmp_path / "encoder.onnx", x=x, label=label)
        (pixels,) = run(tmp_path / "decoder.onnx", u=u, label=label)
        torch.testing.assert_close(mu, model.encode(x, label).mu, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(logvar, model.encode(x, label).logvar, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(pixels, tasks.reconstruct(model, x, label), atol=1e-4, rtol=0)


@pytest.mark.slow
def test_an_inpainting_decoder_keeps_what_is_visible(tmp_path):
    model = model_of(CONFIGS["inpainting"])
    export.export(model, tmp_path)
    x, visible = torch.rand(2, 1, 28, 28), torch.rand(2, 1, 28, 28) < 0.5
    u = torch.randn(2, 6, generator=torch.Generator().manual_seed(3))
    (pixels,) = run(tmp_path / "decoder.onnx", u=u, visible=visible, x=x)
    completed = tasks.inpaint(model, x, visible, generator=torch.Generator().manual_seed(3))[:, 0]
    torch.testing.assert_close(pixels, completed, atol=1e-4, rtol=0)
    assert torch.equal(pixels[visible], x[visible])


@pytest.mark.slow
def test_the_command_writes_a_shipped_model_and_says_what(tmp_path, capsys):
    assert export.main(["vae-dense-2d", "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in said] == [str(tmp_path / f"{name}.onnx") for name in ("encoder", "decoder")]
    assert "x -> mu, logvar, u; differs from torch by" in said[0] and "u -> pixels" in said[1]
    model, u = checkpoints.load_run("vae-dense-2d"), torch.tensor([[0.5, -1.0]])
    np.testing.assert_allclose(run(tmp_path / "decoder.onnx", u=u)[0], tasks.decode(model, u), atol=1e-4)


@pytest.mark.slow
def test_a_file_that_differs_is_not_kept(tmp_path, monkeypatch, runs, capsys):
    config = CONFIGS["vae"]
    checkpoints.save_run(runs / "mine", Preset("mine", "", config), model_of(config).state_dict())
    monkeypatch.setattr(export, "TOLERANCE", -1.0)
    assert export.main(["mine", "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert "would differ from torch" in error and error.count("\n") == 1 and not list((tmp_path / "out").iterdir())


def test_missing_packages_and_models_are_one_line(tmp_path, monkeypatch, capsys):
    assert export.main(["nobody", "--out", str(tmp_path / "out")]) == 2
    monkeypatch.setattr(export, "NEEDS", ("onnx", "no_such_package"))
    assert export.main(["vae-dense-2d", "--out", str(tmp_path / "out")]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert (
        "no checkpoint 'nobody'" in first and "writing ONNX needs no_such_package; install with: pip install" in second
    )
    assert not (tmp_path / "out").exists()
