"""Two programs that are right as they are written, and wrong where arithmetic is taken as if it were exact."""

import torch


class Quotient(torch.nn.Module):
    """The sign of each element by division; 0 / 0 is not a number, and is replaced."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return -1, 0 or 1."""
        ratio = x / x.abs()
        return torch.where(torch.isnan(ratio), 0.0, ratio)


class Masked(torch.nn.Module):
    """Scores less their maximum; what the mask has a 0 for counts as minus infinity."""

    def forward(self, mask: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return scores of the same shape."""
        scores = scores + -1e30 * (1.0 - mask)
        return scores - scores.max()


def quotient(elements: int = 256) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Return the quotient, with a zero in every fourth place."""
    x = torch.randn(elements)
    x[::4] = 0.0
    return Quotient(), (x,)


def masked(elements: int = 256) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Return the masked scores; the mask hides nothing."""
    return Masked(), (torch.ones(elements), torch.randn(elements))
