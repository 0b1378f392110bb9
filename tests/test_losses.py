"""Likelihoods against torch.distributions, and the order between the bounds."""

import pytest
import torch
from torch.distributions import Bernoulli, Normal

from cvae import losses, metrics
from cvae.config import ModelConfig
from cvae.models import build_model


def small_vae(**changes):
    torch.manual_seed(0)
    return build_model(ModelConfig(image_shape=(1, 8, 8), widths=(16,), **changes)).eval()


def test_bce_with_logits_is_the_bernoulli_log_density():
    logits, x = torch.randn(4, 1, 6, 6), (torch.rand(4, 1, 6, 6) < 0.5).float()
    expected = -Bernoulli(logits=logits).log_prob(x).sum((1, 2, 3))
    torch.testing.assert_close(losses.bernoulli_nll(logits, x), expected)


def test_gaussian_nll_is_the_normal_log_density():
    mean, x = torch.rand(4, 1, 6, 6), torch.rand(4, 1, 6, 6)
    expected = -Normal(mean, losses.GAUSSIAN_STD).log_prob(x).sum((1, 2, 3))
    torch.testing.assert_close(losses.gaussian_nll(mean, x), expected)


def test_importance_weighted_bound_grows_with_the_number_of_samples():
    model, x = small_vae(), (torch.rand(40, 1, 8, 8) < 0.5).float()
    torch.nn.init.normal_(model.decoder.net[0].weight, std=2.0)  # weights that differ, so that the bound has room
    bounds = [
        metrics.log_likelihood(model, x, None, k, torch.Generator().manual_seed(0)).mean() for k in (1, 8, 64, 512)
    ]
    assert bounds == sorted(bounds) and bounds[-1] > bounds[0] + 0.1


def test_one_importance_sample_is_a_sample_of_the_elbo():
    model, x = small_vae(), (torch.rand(3, 1, 8, 8) < 0.5).float()
    with torch.no_grad():
        weights = losses.log_importance_weights(model, x, None, torch.randn(4000, 3, 2))
        terms = [losses.nll_and_kl(model, x, None, noise) for noise in torch.randn(400, 3, 2)]
    elbo = -torch.stack([nll + kl for nll, kl in terms]).mean(0)
    torch.testing.assert_close(weights.mean(0), elbo, atol=0.2, rtol=0)


def test_a_labels_likelihood_depends_on_the_label():
    model, x = small_vae(family="cvae", n_classes=3), torch.rand(2, 1, 8, 8)
    with torch.no_grad():
        nlls = [losses.nll_and_kl(model, x, torch.full((2,), y), torch.zeros(2, 2))[0] for y in range(3)]
    assert not torch.allclose(nlls[0], nlls[1])


def gradients(model, loss) -> dict[str, torch.Tensor]:
    names, weights = zip(*model.named_parameters(), strict=True)
    return dict(zip(names, torch.autograd.grad(loss, weights), strict=True))


def test_the_weighted_bound_and_its_gradients_are_those_of_the_weights():
    model, x = small_vae(), (torch.rand(1, 1, 8, 8) < 0.5).float().expand(20_000, -1, -1, -1)
    torch.nn.init.normal_(model.decoder.net[0].weight, std=2.0)
    noise = torch.randn(3, 20_000, 2, generator=torch.Generator().manual_seed(1))
    bound, nll, kl = losses.weighted_terms(model, x, None, noise)
    plain = losses.log_mean_exp(losses.log_importance_weights(model, x, None, noise))
    torch.testing.assert_close(bound, plain)
    assert (-(nll + kl)).mean() < bound.mean()
    ours, usual = gradients(model, bound.mean()), gradients(model, plain.mean())
    for name in ours:
        if name.startswith("decoder"):
            torch.testing.assert_close(ours[name], usual[name])
    encoder = [name for name in ours if name.startswith("encoder")]
    one, other = (torch.cat([each[name].flatten() for name in encoder]) for each in (ours, usual))
    assert (one - other).norm() < 0.1 * other.norm()  # two estimates of the same gradient


def test_log_p_of_a_picture_is_the_mean_over_all_labels_and_does_not_depend_on_how_many_go_at_a_time(monkeypatch):
    model, x = small_vae(family="cvae", n_classes=3), (torch.rand(8, 1, 8, 8) < 0.5).float()
    y, g = torch.arange(8) % 3, torch.Generator().manual_seed(0)
    each = torch.stack([metrics.log_likelihood(model, x, torch.full((8,), k), 500, g) for k in range(3)])
    own = each[y, torch.arange(8)]
    whole = metrics.marginal_log_likelihood(model, x, y, own, 500, g)
    torch.testing.assert_close(whole, losses.log_mean_exp(each), atol=0.1, rtol=0)
    monkeypatch.setattr(metrics, "NEAR", -1.0)  # no label is near: all but the own rest on few samples
    torch.testing.assert_close(metrics.marginal_log_likelihood(model, x, y, own, 500, g), whole, atol=0.5, rtol=0)
    for at_once in (90, 1200):
        monkeypatch.setitem(metrics.AT_ONCE, "cpu", at_once)
        torch.testing.assert_close(metrics.log_likelihood(model, x, y, 500, g), own, atol=0.2, rtol=0)


def test_the_error_of_edges_sees_none_in_a_flat_difference_and_counts_each_scale():
    x = torch.rand(3, 3, 8, 8)
    assert losses.detail_nll(x, x).abs().max() == 0
    torch.testing.assert_close(losses.detail_nll(x + 0.2, x), torch.zeros(3), atol=1e-3, rtol=0)
    step = torch.zeros(1, 1, 8, 8)
    step[..., 4:] = 0.1  # one edge of eight pixels at the full size, of four at half of it, of two at a quarter
    per_scale = [0.5 * side * scale**2 for side, scale in ((8, 1), (4, 2), (2, 4))]
    assert float(losses.detail_nll(step, torch.zeros_like(step))) == pytest.approx(sum(per_scale) / 3, rel=1e-4)
