"""How well a label explains a picture, as a part of a program: what the bars beside a drawing are made of."""

from torch import Tensor

from cvae.conditions import Condition
from cvae.export import Part
from cvae.losses import masked_nll
from cvae.models import LatentModel


class Reading(Part):
    """x, rows of label weights c and noise (N, D) -> log p(x, z | c) - log q(z | x, c), at the z that the noise makes.

    For one z it is the importance-weighted bound of log p(x | c) that `tasks.label_log_likelihoods` takes the mean of.
    """

    model: LatentModel

    def forward(self, x: Tensor, c: Tensor | Condition, noise: Tensor) -> Tensor:
        c = self.model.condition(c, x)
        posterior = self.model.encode(x, c)
        z = posterior.from_base(noise)
        nll = masked_nll(self.model, self.model.decode(z, c), x, c)
        return self.model.prior(c).log_prob(z) - nll - posterior.log_prob(z)
