"""The steps of an epoch as a CUDA graph.

A step of a small network is over sooner than a processor has launched its hundreds of kernels; a graph launches them
all at once. So all that a step needs lies on the card before: the pictures, the order of the batches, the schedule and
the average of the weights; random numbers are drawn there.
"""

from itertools import chain

import torch
from lightning_fabric import Fabric
from torch import Tensor
from tqdm import tqdm

from cvae import batches, data, objectives, schedule, steps
from cvae.config import Preset, Stage
from cvae.families import LABEL, PIXELS
from cvae.steps import Work

WARM_UP = 3  # steps before a capture, in which libraries choose their kernels and set their memory aside


def fits(preset: Preset, stage: Stage, fabric: Fabric) -> bool:
    """Tell whether steps of a stage can be captured: on one CUDA device, with nothing that waits for the processor."""
    objective = objectives.of(stage, preset.model)
    waits = preset.data.blur or objective.waits or fabric.strategy.precision.precision == "16-mixed"
    alone = fabric.device.type == "cuda" and fabric.world_size == 1
    drawn_there = preset.model.kind.given in ("", LABEL, PIXELS)  # spoiled copies and photographs are drawn elsewhere
    return alone and drawn_there and not waits


class Steps:
    """The steps of one stage."""

    def __init__(self, work: Work) -> None:
        self.work, train, device = work, work.train, work.fabric.device
        self.n, self.count = len(train), work.steps
        self.images, self.labels = train.images.to(device), train.labels.to(device)
        self.generator = torch.Generator(device)
        self.graph: torch.cuda.CUDAGraph | None = None
        size = min(work.preset.train.batch_size, self.n)
        self.rows = torch.zeros(self.count, size, dtype=torch.int64, device=device)
        self.plan = torch.zeros(self.count, 4, device=device)  # of each step: rate, beta, movement, forgetting
        self.place = torch.zeros(1, dtype=torch.int64, device=device)  # the step within the epoch
        self.sums = torch.zeros(4, device=device)  # of nll, KL and pictures, and of the norms of the gradient
        groups = work.optimizer.param_groups
        self.rates = [(torch.zeros((), device=device), group.get("times", 1.0)) for group in groups]
        model = steps.tensors(work.learner.module.model)
        pairs = list(zip(steps.tensors(work.average), model, strict=True))
        self.pairs = [pair for pair in pairs if pair[0].is_floating_point()]  # (average, model)
        self.counters = [pair for pair in pairs if not pair[0].is_floating_point()]
        for group, (rate, _) in zip(groups, self.rates, strict=True):
            group.update(lr=rate, capturable=device.type == "cuda")

    def epoch(self, number: int, bar: tqdm) -> Tensor:
        """Take the steps of an epoch; returns the sums of nll, KL and pictures (3,), as steps.epoch.

        RuntimeError where a gradient was no number, as of a loop that looks at each.
        """
        self.prepare(number)
        if self.graph is None and self.work.fabric.device.type == "cuda":
            self._capture()
            self.prepare(number)  # again, since a captured step was taken and drew its numbers
        for _ in range(self.count):
            self.graph.replay() if self.graph else self.step()
            bar.update()
        if not self.sums[3].isfinite():
            raise RuntimeError(f"a gradient of epoch {number + 1} is non-finite and cannot be clipped.")
        return self.sums[:3].clone()

    def prepare(self, epoch: int) -> None:
        """Lay out the batches and the schedule of an epoch, and start its random numbers, by seed and epoch alone."""
        config = self.work.preset.train
        self.rows.copy_(torch.stack(schedule.batches(self.n, epoch, config)))
        self.plan.copy_(torch.tensor([self._moment(epoch, i) for i in range(self.count)]))
        self.place.zero_()
        self.sums.zero_()
        self.generator.manual_seed(schedule.seed(config, epoch))
        torch.manual_seed(schedule.seed(config, epoch))  # of what dropout draws

    def _moment(self, epoch: int, i: int) -> tuple[float, float, float, float]:
        preset, span, step = self.work.preset, self.work.span, epoch * self.count + i
        config, epochs = preset.train, step / self.count
        return (
            schedule.rate(span, epochs),
            schedule.beta(config, step, self.count),
            schedule.movement(preset, span.stage, epochs),
            schedule.forgetting(config, step, i, self.count),
        )

    def step(self) -> None:
        """Take one step. Nothing in it waits for the processor or depends on it: this is what the graph holds."""
        rate, beta, movement, forgetting = self.plan.index_select(0, self.place)[0].unbind()
        for held, times in self.rates:
            held.copy_(rate * times)
        learner, optimizer, fabric = self.work.learner, self.work.optimizer, self.work.fabric
        loss, nll, kl = learner(*self.draw(self.rows.index_select(0, self.place)[0], movement), beta)
        optimizer.zero_grad()
        fabric.backward(loss)
        most = steps.limit(self.work.preset)
        norm = fabric.clip_gradients(learner, optimizer, max_norm=most, error_if_nonfinite=False)
        assert norm is not None  # of a limit of the norm
        optimizer.step()
        self._average(forgetting)
        self.sums += torch.stack([nll.sum(), kl.sum(), torch.full_like(norm, len(kl)), norm]).detach()
        self.place += 1

    def draw(self, rows: Tensor, movement: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return x, what the model is given about it, and noise (K, B, D) for these rows of the pictures."""
        x = self.images.index_select(0, rows).float().div_(255)
        preset, stage = self.work.preset, self.work.span.stage
        still = self.work.objective.still
        x = data.varied(x, preset.data, 0.0 if still else movement, self.generator)
        given = batches.given(preset, x, self.labels.index_select(0, rows), self.generator)
        shape = stage.samples, len(rows), preset.model.latent_dim
        return x, given, torch.randn(shape, generator=self.generator, device=x.device)

    @torch.no_grad()
    def _average(self, share: Tensor) -> None:
        means, values = zip(*self.pairs, strict=True)
        ways = torch._foreach_sub(values, means)
        torch._foreach_mul_(ways, share)
        torch._foreach_add_(means, ways)
        for mean, value in self.counters:
            mean.copy_(value)

    def _capture(self) -> None:
        """Record a step, and leave weights, averages and moments as they were before."""
        fresh, kept = not self.work.optimizer.state, [(t, t.detach().clone()) for t in self._state()]
        usual = torch.backends.cudnn.deterministic
        torch.backends.cudnn.deterministic = True  # kernels that give the same result each time
        try:
            self.graph = self._recorded()
        finally:
            torch.backends.cudnn.deterministic = usual
        with torch.no_grad():
            for tensor, value in kept:
                tensor.copy_(value)
            for state in self.work.optimizer.state.values() if fresh else ():
                for moment in state.values():
                    moment.zero_()

    def _recorded(self) -> torch.cuda.CUDAGraph:
        graph, stream = torch.cuda.CUDAGraph(), torch.cuda.Stream()
        graph.register_generator_state(self.generator)
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                self.place.zero_()
                self.step()
        torch.cuda.current_stream().wait_stream(stream)
        # other threads may use the card
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            self.step()
        return graph

    def _state(self) -> chain[Tensor]:
        critic = self.work.learner.module.critic
        weights = chain(chain.from_iterable(self.pairs + self.counters), steps.tensors(critic) if critic else ())
        states = self.work.optimizer.state.values()
        return chain(weights, chain.from_iterable(state.values() for state in states))
