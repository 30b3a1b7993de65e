"""A workload as another package would add it; ``docs/writing-a-workload.md`` shows it."""

from collections.abc import Mapping

import torch

from ablatrix.workloads.built import Built, generator, seeded
from ablatrix.workloads.registry import ParameterSpec, WorkloadEntry


class Polynomial(torch.nn.Module):  # type: ignore[misc]
    def __init__(self, degree: int) -> None:
        super().__init__()
        self.coefficients = torch.nn.Parameter(torch.randn(degree + 1))

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        total = torch.zeros_like(points)
        for coefficient in self.coefficients:
            total = total * points + coefficient
        return total


def build(parameters: Mapping[str, int]) -> Built:
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
        "degree": ParameterSpec(3, "Degree of the polynomial."),
        "points": ParameterSpec(8, "Points that are timed.", minimum=2),
    },
    builder="tests.workloads.polynomial:build",
)
