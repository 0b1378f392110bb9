"""Shapes and one training step for every preset, odd picture sizes, and what wrong configurations are told."""

import pytest
import torch

from cvae import losses, metrics, tasks
from cvae.batches import given
from cvae.config import ModelConfig, Stage, preset_from_dict
from cvae.families import PHOTOGRAPH
from cvae.models import build_model
from cvae.objectives import Learner, of
from cvae.presets import PRESETS
from cvae.sketches import scenes


@pytest.mark.parametrize("name", PRESETS)
def test_one_step_of_every_preset_changes_all_its_weights(name):
    preset = PRESETS[name]
    torch.manual_seed(0)
    learner = Learner(build_model(preset.model), of(Stage(), preset.model))
    flows = [getattr(learner.model, name, None) for name in ("flow", "posterior_flow")]
    for net in (net for flow in flows if flow is not None for net in flow.nets):
        torch.nn.init.normal_(net[-1].weight, std=0.1)  # zero at the start, and zero weights pass no gradient back
    for module in learner.modules():
        if hasattr(module, "second"):
            torch.nn.init.normal_(module.second.weight, std=0.1)
    x, y = torch.rand(8, *preset.model.image_shape), torch.arange(8) % max(1, preset.model.n_classes)
    if preset.model.kind.given == PHOTOGRAPH:
        x, c = scenes.photographs(x, torch.Generator().manual_seed(0))
    else:
        c = given(preset, x, y, torch.Generator().manual_seed(0))
    loss, nll, kl = learner(x, c, torch.randn(1, 8, preset.model.latent_dim), 1.0)
    loss.backward()
    assert nll.shape == kl.shape == (8,) and loss.isfinite()
    assert [n for n, p in learner.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("network", ["dense", "conv", "residual"])
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 16, 24)])
def test_decoder_returns_the_encoders_shape(network, shape):
    model = build_model(
        ModelConfig(family="cvae", network=network, image_shape=shape, widths=(8, 12), n_classes=4, latent_dim=3)
    )
    y = torch.tensor([0, 3])
    posterior = model.encode(torch.rand(2, *shape), y)
    assert posterior.mu.shape == (2, 3)
    assert model.decode(posterior.mode(), y).shape == (2, *shape)


def test_conv_network_takes_odd_sides():
    model = build_model(ModelConfig(network="conv", image_shape=(1, 27, 9), widths=(4, 4, 4)))
    assert model.decode(model.encode(torch.rand(2, 1, 27, 9)).mode()).shape == (2, 1, 27, 9)


def test_residual_network_says_which_sides_it_takes():
    with pytest.raises(ValueError, match="divisible by 4; got 30x30"):
        build_model(ModelConfig(network="residual", image_shape=(1, 30, 30), widths=(8, 8)))


@pytest.mark.parametrize("network", ["dense", "conv", "residual"])
def test_an_autoencoder_has_a_point_for_a_posterior(network):
    torch.manual_seed(0)
    model = build_model(ModelConfig("autoencoder", network, widths=(8, 12), latent_dim=3, likelihood="gaussian"))
    x = torch.rand(64, 1, 28, 28)
    for _ in range(200):
        code = model.encode(x)  # while it learns, its running statistics come to those of the pictures
    assert torch.equal(code.sample(), code.mode()) and torch.equal(code.from_base(torch.randn(2, 64, 3))[1], code.mu)
    torch.testing.assert_close(code.mu.mean(0), torch.zeros(3), atol=0.1, rtol=0)
    torch.testing.assert_close(code.mu.std(0), torch.ones(3), atol=0.1, rtol=0)
    nll, kl = losses.nll_and_kl(model, x, None, torch.randn(64, 3))
    assert not kl.any() and nll.shape == (64,)
    model.eval()
    again, way = tasks.reconstruct(model, x), tasks.interpolate(model, *tasks.encode(model, x[:2]), 5)
    torch.testing.assert_close(tasks.decode(model, tasks.encode(model, x)), again)
    torch.testing.assert_close(way[[0, -1]], again[:2])
    with pytest.raises(ValueError, match="no likelihood"):
        metrics.log_likelihood(model, x[:1])


def test_batch_norm_stands_between_the_layers_of_a_dense_network():
    plain, normed = (build_model(ModelConfig("autoencoder", widths=(8, 6), norm=norm)) for norm in ("none", "batch"))
    kinds = [type(layer).__name__ for layer in normed.decoder.net]
    assert kinds == ["Linear", "BatchNorm1d", "ReLU"] * 2 + ["Linear"]
    assert [type(layer).__name__ for layer in plain.decoder.net] == ["Linear", "ReLU"] * 2 + ["Linear"]


def test_a_configuration_from_before_a_field_existed_still_loads():
    content = PRESETS["vae-conv"].to_dict()
    del content["model"]["norm"]
    assert preset_from_dict(content) == PRESETS["vae-conv"]


def test_a_conditional_model_asks_for_its_label():
    model = build_model(PRESETS["cvae-conv"].model)
    with pytest.raises(ValueError, match="needs a label from 0 to 9"):
        model.decode(torch.zeros(1, 32))
    with pytest.raises(ValueError, match="from 0 to 9; got \\[3, 10\\]"):
        model.decode(torch.zeros(2, 32), torch.tensor([3, 10]))


def test_labels_and_one_hot_rows_mean_the_same():
    model = build_model(ModelConfig(family="cvae", n_classes=3)).eval()
    y, z = torch.tensor([2, 0]), torch.randn(2, 2)
    torch.testing.assert_close(model.decode(z, y), model.decode(z, torch.eye(3)[y]))


def test_the_prior_of_a_conditional_flow_depends_on_the_label():
    model = build_model(PRESETS["cvae-conv"].model)
    torch.nn.init.normal_(model.flow.nets[0][-1].weight, std=0.5)
    z = torch.zeros(2, 32)
    density = model.prior(torch.tensor([1, 2])).log_prob(z)
    assert density[0] != density[1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"family": "gan"}, "family must be one of autoencoder, vae, cvae"),
        ({"family": "denoising"}, "denoising family needs network 'residual'"),
        ({"family": "inpainting", "network": "residual"}, "needs flow_layers of 1 or more"),
        ({"latent_dim": 0}, "latent_dim must be from 1 to 4096; got 0"),
        ({"family": "cvae"}, "n_classes must be from 2 to 10000; got 0"),
        ({"norm": "batch"}, "norm 'batch' is for network 'dense'"),
        ({"family": "autoencoder", "n_classes": 10}, "neither a learned prior nor labels"),
        ({"wings": 2}, "unknown key 'wings' in ModelConfig"),
        ({"latent_dim": "two"}, "ModelConfig.latent_dim must be a whole number"),
    ],
)
def test_a_wrong_configuration_is_told_what_would_be_right(changes, message):
    content = PRESETS["vae-conv"].to_dict()
    content["model"] |= changes
    with pytest.raises(ValueError, match=message):
        preset_from_dict(content)


@pytest.mark.parametrize("name", PRESETS)
def test_configuration_survives_json(name):
    import json

    assert preset_from_dict(json.loads(json.dumps(PRESETS[name].to_dict()))) == PRESETS[name]
