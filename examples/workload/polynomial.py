"""A whole workload: a model with seeded weights, inputs that follow from a seed, and its entry."""

from collections.abc import Mapping

import torch

from ablatrix.plugin import Built, ParameterSpec, WorkloadEntry, generator, seeded


class Polynomial(torch.nn.Module):
    """A polynomial with random coefficients."""

    def __init__(self, degree: int) -> None:
        super().__init__()
        self.coefficients = torch.nn.Parameter(torch.randn(degree + 1))

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Return its value at each point, by Horner's rule."""
        total = torch.zeros_like(points)
        for coefficient in self.coefficients:
            total = total * points + coefficient
        return total


def build(parameters: Mapping[str, int]) -> Built:
    """Return the model of some parameters, with what it takes to run it."""

    def make_inputs(seed: int, sizes: Mapping[str, int]) -> tuple[torch.Tensor, ...]:
        return (torch.rand(sizes["points"], generator=generator(seed)),)

    return Built(
        module=seeded(lambda: Polynomial(parameters["degree"])),
        make_inputs=make_inputs,
        input_names=("points",),
        dynamic={"points": (2, 64)},
        timed_sizes={"points": parameters["points"]},
        input_dimensions={"points": {0: "points"}},
    )


ENTRY = WorkloadEntry(
    name="polynomial",
    tier="tiny",
    summary="A polynomial at many points, by Horner's rule.",
    parameters={
        "degree": ParameterSpec(default=3, summary="Degree of the polynomial."),
        "points": ParameterSpec(default=8, summary="Points that are timed.", minimum=2),
    },
    builder="polynomial:build",
)
WORKLOADS = [ENTRY]
