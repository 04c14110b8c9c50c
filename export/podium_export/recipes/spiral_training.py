"""Trains a latent ODE on spirals: a few minutes of work on one core, the same every time.

The evidence lower bound of R. T. Q. Chen et al., arXiv:1806.07366, section 5, with one draw of the latent a spiral and
step: Σ ln p(x|z(t)) − KL(q(z0) ‖ N(0, I)). Times of 0 … 1 are the network's.

The noise is drawn anew each time that a spiral is seen.
Two things begin gently: times asked for are near the first at first, for an error at the end of a long solution says
little of its beginning; and the noise that is assumed is large at first.

Shapes: N spirals, A asked times, D latent dimensions.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from podium_export.architectures.latent_ode import LatentODE, LatentODEConfig
from podium_export.architectures.latent_series import SeriesDecoder, grid
from podium_export.recipes.reproducible import reproducible
from podium_export.recipes.spiral_series import DURATION, NOISE, NUM_POINTS, Readings, Spirals, readings, seen

SCALE = 3.0
"""What a coordinate is divided by for the network."""


@dataclass(frozen=True, slots=True)
class SpiralPlan:
    """How large, how long and how fast.

    Attributes:
        latent_size: dimensions of the latent.
        hidden_size: of the encoder.
        equation_size: of the two hidden layers of the equation.
        num_steps: steps of the optimizer.
        batch_size: spirals a step.
        num_asked: times asked of each spiral and step.
        solver_steps: steps of the solver from the first to the last time, while training.
        peak_learning_rate: of Adam, reached a tenth of the way.
        first_noise: the noise that is assumed at first; the true one from 0.6 of the way on.
        first_span: the part of the times that is asked for at first; all of them from 0.4 of the way on.
        seed: of the first weights and everything drawn.
    """

    latent_size: int = 4
    hidden_size: int = 64
    equation_size: int = 64
    num_steps: int = 4000
    batch_size: int = 64
    num_asked: int = 30
    solver_steps: int = 12
    peak_learning_rate: float = 6e-3
    first_noise: float = 0.6
    first_span: float = 0.25
    seed: int = 0

    @property
    def config(self) -> LatentODEConfig:
        """The network's sizes."""
        return LatentODEConfig(
            num_channels=2,
            hidden_size=self.hidden_size,
            head_size=self.hidden_size,
            latent_size=self.latent_size,
            equation_size=self.equation_size,
            equation_layers=3,
        )

    def span(self, done: float) -> float:
        """Say which part of the times is asked for when a part of the steps is done."""
        return min(1.0, self.first_span + (1 - self.first_span) * done / 0.4)

    def noise(self, done: float) -> float:
        """Say which noise is assumed when a part of the steps is done."""
        return float(max(NOISE, self.first_noise * (NOISE / self.first_noise) ** (done / 0.6)))

    def divergence_weight(self, done: float) -> float:
        """Say how much the divergence from the prior counts when a part of the steps is done."""
        return min(1.0, done / 0.3)


def train_spirals(learned: Spirals, plan: SpiralPlan, progress: Callable[[int, int], None]) -> LatentODE:
    """Train from nothing; the same spirals, plan and PyTorch give the same weights."""
    with reproducible(plan.seed) as chance:
        network = LatentODE(plan.config).train()
        optimizer = torch.optim.Adam(network.parameters())
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, plan.peak_learning_rate, total_steps=plan.num_steps, pct_start=0.1
        )
        for step in range(1, plan.num_steps + 1):
            cost = _cost(network, learned, plan, step / plan.num_steps, chance)
            optimizer.zero_grad()
            torch.autograd.backward(cost)
            optimizer.step()
            schedule.step()
            progress(step, plan.num_steps)
    return network.eval()


def posterior(network: LatentODE, given: Readings) -> tuple[Tensor, Tensor]:
    """Give mean and standard deviation (N, D) of the latents of some readings."""
    mean, deviation = network.encoder_z0(
        given.time / DURATION, given.seen / SCALE, torch.ones_like(given.seen), given.count
    )
    return mean, deviation


def places(network: LatentODE, z_ND: Tensor, time_NA: Tensor, solver_steps: int) -> Tensor:
    """Give where spirals are, (N, A, 2), by solving with so many steps from 0 to the end of the times."""
    step = 1 / solver_steps
    grid_S = grid(float(time_NA.max()) / DURATION, step).float()
    decoder = SeriesDecoder(network.parts, step)
    solved: Tensor = SCALE * decoder(z_ND, time_NA / DURATION, grid_S.expand(len(z_ND), -1))
    return solved


def _cost(network: LatentODE, learned: Spirals, plan: SpiralPlan, done: float, chance: torch.Generator) -> Tensor:
    """Give the negative evidence lower bound of a batch, in nats a spiral."""
    size = plan.batch_size
    batch = torch.randint(len(learned), (size,), generator=chance)
    time, shown = learned.time[batch], seen(learned.place[batch], chance)
    num_readings = int(torch.randint(10, 41, (), generator=chance))
    until = DURATION * (0.4 + 0.6 * torch.rand(size, 1, generator=chance))
    mean, deviation = posterior(network, readings(time, shown, num_readings, until, chance))
    z_ND = mean + deviation * torch.randn(mean.shape, generator=chance)
    num_near = max(2, math.ceil(NUM_POINTS * plan.span(done)))
    asked = torch.randint(num_near, (size, plan.num_asked), generator=chance)
    solved = places(network, z_ND, time.gather(1, asked), plan.solver_steps)
    errors = (solved - shown.gather(1, asked.unsqueeze(-1).expand(-1, -1, 2))).square().sum(-1)
    surprise_N = NUM_POINTS * errors.mean(dim=1) / (2 * plan.noise(done) ** 2)
    divergence_N = (0.5 * (mean**2 + deviation**2 - 1) - torch.log(deviation + 1e-6)).sum(dim=1)
    cost: Tensor = (surprise_N + plan.divergence_weight(done) * divergence_N).mean()
    return cost
