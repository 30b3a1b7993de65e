"""A stack of layers with intermediates of a mebibyte, its number of tokens fixed or free."""

import torch


class Stack(torch.nn.Module):
    """``layers`` times linear and GELU, each added to what goes in."""

    def __init__(self, hidden: int, layers: int) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(torch.nn.Linear(hidden, hidden) for _ in range(layers))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return a tensor of the input's shape, [tokens, hidden]."""
        for layer in self.layers:
            x = x + torch.nn.functional.gelu(layer(x))
        return x


def static(hidden: int = 256, layers: int = 4, tokens: int = 1024) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Return the stack for one number of tokens."""
    return Stack(hidden, layers), (torch.randn(tokens, hidden),)


def dynamic(
    hidden: int = 256, layers: int = 4, tokens: int = 1024
) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...], dict[str, dict[int, object]]]:
    """Return the stack for any number of tokens up to 2,048; the inputs have ``tokens``."""
    free = torch.export.Dim("tokens", min=2, max=2048)
    return Stack(hidden, layers), (torch.randn(tokens, hidden),), {"x": {0: free}}
