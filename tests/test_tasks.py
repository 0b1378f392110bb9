"""Tasks, figures of merit and the latent space on small models with random weights."""

import pytest
import torch

from cvae import latent, losses, metrics, tasks
from cvae.config import ModelConfig
from cvae.data import ImageSet
from cvae.models import build_model


def model_of(**changes):
    torch.manual_seed(0)
    model = build_model(ModelConfig(image_shape=(1, 8, 8), widths=(16,), **changes)).eval().requires_grad_(False)
    for net in getattr(model.flow, "nets", []):
        torch.nn.init.normal_(net[-1].weight, std=0.2)
    return model


@pytest.fixture
def vae():
    return model_of()


@pytest.fixture
def cvae():
    return model_of(family="cvae", n_classes=3, latent_dim=4, flow_layers=3, flow_width=8)


@pytest.fixture
def painter():
    """A small inpainting model whose prior and decoder depend on what they see."""
    torch.manual_seed(0)
    config = ModelConfig(
        "inpainting", "residual", (1, 8, 8), latent_dim=4, widths=(4, 6), blocks=(1, 1), flow_layers=2, flow_width=8
    )
    model = build_model(config).eval().requires_grad_(False)
    for net in model.flow.nets:
        torch.nn.init.normal_(net[-1].weight, std=0.5)
    return model


def left_half() -> torch.Tensor:
    visible = torch.zeros(1, 8, 8, dtype=torch.bool)
    visible[..., :4] = True
    return visible


def test_generate_gives_pixel_means_and_repeats_with_its_generator(vae, cvae):
    y = torch.tensor([0, 2, 2])
    first, second = (tasks.generate(cvae, y, generator=torch.Generator().manual_seed(5)) for _ in range(2))
    assert first.shape == (3, 1, 8, 8) and torch.equal(first, second)
    assert first.min() >= 0 and first.max() <= 1
    assert tasks.generate(vae, n=600).shape == (600, 1, 8, 8)


def test_temperature_zero_is_the_centre_of_the_prior(cvae):
    y = torch.tensor([1, 1])
    cold = tasks.generate(cvae, y, temperature=0.0)
    torch.testing.assert_close(cold, cvae.pixel_means(cvae.prior(y).mode(), y))


def test_generate_says_what_it_needs(vae, cvae):
    with pytest.raises(ValueError, match="say how many"):
        tasks.generate(vae)
    with pytest.raises(ValueError, match="needs a label"):
        tasks.generate(cvae, n=2)


def test_decode_of_encode_is_the_reconstruction(vae, cvae):
    x, y = torch.rand(3, 1, 8, 8), torch.tensor([0, 1, 2])
    torch.testing.assert_close(tasks.decode(vae, tasks.encode(vae, x)), tasks.reconstruct(vae, x))
    torch.testing.assert_close(tasks.decode(cvae, tasks.encode(cvae, x, y), y), tasks.reconstruct(cvae, x, y))


def test_a_conditional_model_without_labels_infers_the_likeliest(cvae):
    x = torch.rand(4, 1, 8, 8)
    inferred = tasks.classify(cvae, x, generator=torch.Generator().manual_seed(0)).argmax(1)
    torch.testing.assert_close(tasks.reconstruct(cvae, x), tasks.reconstruct(cvae, x, inferred))


def test_classify_returns_normalised_log_probabilities(cvae):
    log_p = tasks.classify(cvae, torch.rand(5, 1, 8, 8), n_importance=4)
    assert log_p.shape == (5, 3)
    torch.testing.assert_close(log_p.exp().sum(1), torch.ones(5))


@pytest.mark.parametrize("spherical", [True, False])
def test_interpolation_starts_and_ends_where_asked(cvae, spherical):
    a, b, y = torch.randn(4), torch.randn(4), torch.tensor([1])
    strip = tasks.interpolate(cvae, a, b, 5, y, spherical)
    assert strip.shape == (5, 1, 8, 8)
    torch.testing.assert_close(strip[[0, -1]], tasks.decode(cvae, torch.stack([a, b]), y.expand(2)))


def test_spherical_path_keeps_the_length_and_survives_special_ends():
    a = torch.tensor([3.0, 0.0])
    torch.testing.assert_close(tasks.path(a, torch.tensor([0.0, 3.0]), 7).norm(dim=1), torch.full((7,), 3.0))
    for end in (a, -a, torch.zeros(2)):
        assert tasks.path(a, end, 5).isfinite().all()


def test_traversal_changes_one_coordinate_only(vae):
    u, values = torch.tensor([0.5, -0.5]), torch.tensor([-1.0, 0.5, 2.0])
    strips = tasks.traverse(vae, u, [1, 0], values)
    assert strips.shape == (2, 3, 1, 8, 8)
    torch.testing.assert_close(strips[1, 1], tasks.decode(vae, u[None])[0])
    torch.testing.assert_close(strips[0, 2], tasks.decode(vae, torch.tensor([[0.5, 2.0]]))[0])


def test_many_pictures_decode_as_one_by_one_in_their_order(cvae):
    u, y = torch.randn(600, 4), torch.arange(600) % 3
    alone = torch.cat([tasks.decode(cvae, u[i : i + 1], y[i : i + 1]) for i in range(0, 600, 37)])
    torch.testing.assert_close(tasks.decode(cvae, u, y)[::37], alone)


def test_the_manifold_runs_from_low_to_high_and_upward(vae):
    grid = tasks.decode_grid(vae, 3)
    q = tasks.quantiles(3)
    assert grid.shape == (9, 1, 8, 8)
    torch.testing.assert_close(grid[0], tasks.decode(vae, torch.stack([q[0], q[2]])[None])[0])  # top left
    with pytest.raises(ValueError, match="needs two latent dimensions"):
        tasks.decode_grid(model_of(latent_dim=3), 3)


def test_quantiles_are_midpoints_of_equal_shares():
    shares = torch.distributions.Normal(0, 1).cdf(tasks.quantiles(4))
    torch.testing.assert_close(shares, torch.tensor([0.125, 0.375, 0.625, 0.875]))


def test_kl_per_dimension_sums_to_the_kl_of_a_gaussian_prior(vae):
    x = torch.rand(6, 1, 8, 8)
    torch.testing.assert_close(latent.kl_per_dim(vae, x).sum(), vae.encode(x).kl(vae.prior()).mean())


def test_kl_per_dimension_of_a_flow_prior_is_finite_and_counts_active_units(cvae):
    kl = latent.kl_per_dim(
        cvae, torch.rand(6, 1, 8, 8), torch.zeros(6, dtype=torch.int64), torch.Generator().manual_seed(0)
    )
    assert kl.shape == (4,) and kl.isfinite().all()
    assert latent.active_units(torch.tensor([0.5, 0.001, 0.01])) == 2


def test_encoding_a_data_set_gives_one_row_per_image(cvae):
    images = ImageSet(torch.zeros(7, 1, 8, 8, dtype=torch.uint8), torch.arange(7) % 3, ("a", "b", "c"))
    assert latent.encode_dataset(cvae, images).shape == (7, 4)


def test_elbo_is_below_the_importance_weighted_likelihood(cvae):
    x, y = (torch.rand(20, 1, 8, 8) < 0.5).float(), torch.arange(20) % 3
    g = torch.Generator().manual_seed(0)
    nll, kl = metrics.nll_and_kl(cvae, x, y, g)
    assert -(nll + kl).mean() < metrics.log_likelihood(cvae, x, y, 200, g).mean()


def test_mse_and_decoder_work_by_hand(vae):
    assert metrics.mse(torch.zeros(2, 1, 2, 2), torch.full((2, 1, 2, 2), 0.5)).tolist() == [0.25, 0.25]
    assert metrics.decoder_mflop(vae) == pytest.approx(2 * (2 * 16 + 16 * 64) / 1e6)


def test_the_flagship_can_run_on_every_pointer_move():
    from cvae.presets import PRESETS

    assert metrics.decoder_mflop(build_model(PRESETS["cvae-conv"].model)) < 30


def test_label_log_likelihoods_are_those_of_each_label_alone(cvae):
    x = torch.rand(3, 1, 8, 8)
    scores = tasks.label_log_likelihoods(cvae, x, 5, torch.Generator().manual_seed(1))
    noise = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(1)).transpose(0, 1)
    for label in range(3):
        weights = losses.log_importance_weights(cvae, x, torch.full((3,), label), noise)
        torch.testing.assert_close(scores[:, label], losses.log_mean_exp(weights))


def test_only_a_conditional_model_classifies(vae):
    with pytest.raises(ValueError, match="conditional on a label"):
        tasks.classify(vae, torch.rand(1, 1, 8, 8))


def test_posterior_samples_differ_and_gather_around_the_mean(cvae):
    x, y = torch.rand(1, 1, 8, 8), torch.tensor([2])
    samples = tasks.posterior_samples(cvae, x, 6, y, torch.Generator().manual_seed(0))
    assert samples.shape == (6, 1, 8, 8) and not torch.equal(samples[0], samples[1])
    many = tasks.posterior_samples(cvae, x, 4000, y, torch.Generator().manual_seed(0))
    torch.testing.assert_close(many.mean(0, keepdim=True), tasks.reconstruct(cvae, x, y), atol=0.1, rtol=0)


def test_the_prior_cannot_see_hidden_pixels(painter):
    visible = left_half()
    x = torch.rand(2, 1, 8, 8)
    other = torch.where(visible, x, torch.rand(2, 1, 8, 8))
    told, told_other = (torch.cat([p * visible, visible.expand(2, 1, 8, 8).float()], dim=1) for p in (x, other))
    u = torch.randn(2, 4)
    assert torch.equal(painter.prior(told).from_base(u), painter.prior(told_other).from_base(u))
    again = [tasks.inpaint(painter, p, visible, 3, torch.Generator().manual_seed(0)) for p in (x, other)]
    assert torch.equal(*again)
    visibly_other = torch.where(visible, torch.rand(2, 1, 8, 8), x)
    differs = tasks.inpaint(painter, visibly_other, visible, 3, torch.Generator().manual_seed(0))
    assert not torch.equal(again[0][..., 4:], differs[..., 4:])  # but it does see the visible ones
    assert not torch.equal(painter.encode(x, told).mu, painter.encode(other, told).mu)  # and recognition sees all


@pytest.mark.parametrize("kind", ["painter", "vae", "cvae"])
def test_completions_keep_visible_pixels_and_differ_in_the_hidden_ones(kind, request):
    model, visible, x = request.getfixturevalue(kind), left_half(), torch.rand(3, 1, 8, 8)
    labels = torch.tensor([0, 1, 2]) if kind == "cvae" else None
    completed = tasks.inpaint(model, x, visible, 4, torch.Generator().manual_seed(0), labels)
    assert completed.shape == (3, 4, 1, 8, 8) and completed.min() >= 0 and completed.max() <= 1
    assert torch.equal(completed[..., :4], x[:, None, ..., :4].expand(3, 4, 1, 8, 4))
    assert not torch.equal(completed[:, 0, ..., 4:], completed[:, 1, ..., 4:])


def test_completions_of_a_batch_are_those_of_each_picture(painter):
    x, visible = torch.rand(40, 1, 8, 8), left_half()
    u = torch.randn(40 * 2, 4, generator=torch.Generator().manual_seed(0))
    together = tasks.inpaint(painter, x, visible, 2, torch.Generator().manual_seed(0))
    told = torch.cat([x[7:8] * visible, visible[None].float()], dim=1)
    torch.testing.assert_close(together[7], tasks.decode(painter, u[14:16], painter.condition(told, x).repeat(2)))


@pytest.mark.parametrize("visible", [torch.ones(1, 8, 8), torch.ones(2, 1, 8, 9, dtype=torch.bool)])
def test_a_mask_that_does_not_fit_is_refused(painter, visible):
    with pytest.raises(ValueError, match="visible must be bool, True = keep, and fit \\(2, 1, 8, 8\\)"):
        tasks.inpaint(painter, torch.rand(2, 1, 8, 8), visible)


def test_an_inpainting_model_asks_for_the_visible_pixels(painter):
    with pytest.raises(ValueError, match="needs cat\\(x \\* visible, visible\\), N x 2 x 8 x 8; got none"):
        painter.decode(torch.zeros(1, 4))
    with pytest.raises(ValueError, match="got none"):
        tasks.reconstruct(painter, torch.rand(1, 1, 8, 8))


def test_only_hidden_pixels_count(painter):
    visible = left_half().expand(5, 1, 8, 8).float()
    x = torch.rand(5, 1, 8, 8)
    c = torch.cat([x * visible, visible], dim=1)
    nll, kl = losses.nll_and_kl(painter, x, c, torch.zeros(5, 4))
    out = painter.decode(painter.encode(x, c).mode(), c)
    torch.testing.assert_close(nll, losses.bernoulli_nll(out[..., 4:], x[..., 4:]))
    assert kl.isfinite().all()


def test_importance_sampling_from_posterior_and_prior_agree(painter):
    visible = left_half().expand(4, 1, 8, 8).float()
    x = (torch.rand(4, 1, 8, 8) < 0.5).float()
    c = torch.cat([x * visible, visible], dim=1)
    posterior, prior = (
        metrics.log_likelihood(painter, x, c, 4000, torch.Generator().manual_seed(0), p) for p in (False, True)
    )
    torch.testing.assert_close(posterior, prior, atol=0.1, rtol=0)  # untrained: both proposals are wide


def test_denoise_by_autoencoder_and_by_vae(vae):
    torch.manual_seed(0)
    config = ModelConfig("denoising", "residual", (1, 8, 8), latent_dim=0, widths=(4, 6), blocks=(1, 1))
    model = build_model(config).eval().requires_grad_(False)
    x = torch.rand(40, 1, 8, 8)
    torch.testing.assert_close(tasks.denoise(model, x), model(x).sigmoid())
    torch.testing.assert_close(tasks.denoise(vae, x), tasks.reconstruct(vae, x))


def test_psnr_and_hole_error_by_hand(painter):
    assert metrics.psnr(torch.tensor([0.01, 1.0])).tolist() == pytest.approx([20.0, 0.0])
    x, visible = torch.rand(30, 1, 8, 8), left_half()
    mean = tasks.inpaint(painter, x, visible, 3, torch.Generator().manual_seed(0)).mean(1)
    expected = ((mean - x) ** 2)[..., 4:].mean().item()
    assert metrics.hole_mse(painter, x, visible, 3, torch.Generator().manual_seed(0)) == pytest.approx(
        expected, rel=1e-4
    )
