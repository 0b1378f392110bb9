"""The Gaussian and the flow against torch.distributions and against their own definitions."""

import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

from cvae.flow import CouplingFlow, FlowPosterior, FlowPrior
from cvae.gaussian import DiagonalGaussian


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    """Return standard normal numbers in double precision: an identity then holds to far less than a fault changes."""
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def random_gaussian(seed: int, n: int = 5, dim: int = 3) -> DiagonalGaussian:
    return DiagonalGaussian(*noise(2, n, dim, seed=seed))


def as_torch(q: DiagonalGaussian) -> Independent:
    return Independent(Normal(q.mu, q.std), 1)


@pytest.fixture
def flow() -> CouplingFlow:
    torch.manual_seed(0)
    flow = CouplingFlow(dim=5, n_conditions=3, n_layers=4, width=16)
    for net in flow.nets:  # away from the identity it starts as
        torch.nn.init.normal_(net[-1].weight, std=0.3)
    return flow.double()


def test_kl_log_prob_and_entropy_agree_with_torch_distributions():
    q, p = random_gaussian(0), random_gaussian(1)
    torch.testing.assert_close(q.kl(p), kl_divergence(as_torch(q), as_torch(p)))
    torch.testing.assert_close(q.entropy(), as_torch(q).entropy())
    torch.testing.assert_close(q.log_prob(p.mu), as_torch(q).log_prob(p.mu))


def test_kl_without_a_prior_is_against_the_standard_normal():
    q = random_gaussian(0)
    standard = Independent(Normal(torch.zeros_like(q.mu), torch.ones_like(q.mu)), 1)
    torch.testing.assert_close(q.kl(), kl_divergence(as_torch(q), standard))


def test_kl_of_a_distribution_from_itself_is_zero():
    q = random_gaussian(0)
    assert not q.kl(q).any()


def test_base_coordinates_are_standard_normal_noise():
    q = random_gaussian(0)
    u = noise(5, 3, seed=1)
    torch.testing.assert_close(q.to_base(q.from_base(u)), u)


def test_the_same_generator_gives_the_same_sample():
    q = random_gaussian(0)
    first, second = (q.sample(torch.Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, q.sample(torch.Generator().manual_seed(8)))


def test_parameters_that_run_away_stay_finite():
    q = DiagonalGaussian.from_parameters(torch.tensor([[0.0, 1e4], [0.0, -1e4]]))
    assert q.std.isfinite().all() and (q.std > 0).all()


def test_flow_is_invertible_and_its_density_follows_the_change_of_variables(flow):
    c, z = noise(4, 3, seed=1), noise(4, 5, seed=2)
    u, logdet = flow.to_base(z, c)
    torch.testing.assert_close(flow.from_base(u, c), z)
    for i in range(4):
        jacobian = torch.autograd.functional.jacobian(lambda row: flow.to_base(row[None], c[i : i + 1])[0][0], z[i])
        torch.testing.assert_close(logdet[i], jacobian.det().abs().log())


def test_flow_starts_as_the_standard_normal():
    prior = FlowPrior(CouplingFlow(dim=4, n_conditions=0, n_layers=3, width=8), torch.zeros(1, 0))
    z = noise(6, 4).float()
    torch.testing.assert_close(prior.log_prob(z), DiagonalGaussian.standard(4, z).log_prob(z))


@pytest.mark.slow
def test_kl_from_a_flow_is_estimated_without_bias(flow):
    with torch.no_grad():
        mu = noise(1, 5, seed=1)
        q = DiagonalGaussian(mu, torch.full_like(mu, -2.0))
        prior = FlowPrior(flow, noise(1, 3, seed=2))
        g = torch.Generator().manual_seed(0)
        estimates = torch.cat([q.kl(prior, generator=g) for _ in range(4000)])
        z = torch.cat([q.sample(g) for _ in range(4000)])
        direct = (q.log_prob(z) - prior.log_prob(z)).mean()
    assert abs(estimates.mean() - direct) < 4 * estimates.std() / 4000**0.5 + 0.05


def test_flow_posterior_has_the_density_of_what_it_samples(flow):
    with torch.no_grad():
        posterior_flow = CouplingFlow(dim=5, n_conditions=10, n_layers=3, width=8).double()
        for i, parameter in enumerate(posterior_flow.parameters()):
            parameter.copy_(0.3 * noise(*parameter.shape, seed=i))
        mu, u = noise(2, 5, seed=1), noise(3, 2, 5, seed=2)
        q = FlowPosterior(posterior_flow, DiagonalGaussian(mu, torch.full_like(mu, -1.0)))
        z = q.from_base(u)
        torch.testing.assert_close(z[1], q.from_base(u[1]))
        assert q.log_prob(z).shape == (3, 2)
        for i in range(2):
            one = FlowPosterior(posterior_flow, DiagonalGaussian(q.base.mu[i : i + 1], q.base.logvar[i : i + 1]))
            jacobian = torch.autograd.functional.jacobian(lambda e: one.from_base(e[None])[0], u[0, i])
            expected = DiagonalGaussian.standard(5, z).log_prob(u[0, i]) - jacobian.det().abs().log()
            torch.testing.assert_close(q.log_prob(z)[0, i], expected)
        prior = FlowPrior(flow, noise(2, 3, seed=3))
        torch.testing.assert_close(q.kl(prior, z[0]), q.log_prob(z[0]) - prior.log_prob(z[0]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_flow_keeps_the_precision_of_its_weights_in_mixed_training(dtype):
    flow = CouplingFlow(6, 2, 3, 16).to(dtype)
    for parameter in flow.parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=torch.Generator().manual_seed(0))
    z, c = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(1)).to(dtype).split([6, 2], dim=2)
    plain = flow.to_base(z[0], c[0])
    with torch.autocast("cpu", torch.bfloat16):
        mixed = flow.to_base(z[0], c[0])
    assert all(torch.equal(a, b) and a.dtype == dtype for a, b in zip(mixed, plain, strict=True))
