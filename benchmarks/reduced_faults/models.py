"""Models of forty to ninety operations, in which a planted fault has to be found."""

import torch


class Tower(torch.nn.Module):  # type: ignore[misc]
    """Residual blocks of a linear layer, a norm and one of four activations."""

    def __init__(self, depth: int, width: int) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(torch.nn.Linear(width, width) for _ in range(depth))
        self.norms = torch.nn.ModuleList(torch.nn.LayerNorm(width) for _ in range(depth))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map [rows, width] to [rows, width]."""
        activations = (torch.nn.functional.gelu, torch.tanh, torch.sigmoid, torch.nn.functional.silu)
        for number, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            y = activations[number % 4](layer(norm(x)))
            x = x + y if number % 2 else (x + y) * y
        return x.softmax(-1)


class Attention(torch.nn.Module):  # type: ignore[misc]
    """Encoder blocks written out."""

    def __init__(self, layers: int, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.mixers = torch.nn.ModuleList(torch.nn.Linear(width, 3 * width) for _ in range(layers))
        self.leavers = torch.nn.ModuleList(torch.nn.Linear(width, width) for _ in range(layers))
        self.feeders = torch.nn.ModuleList(torch.nn.Linear(width, width) for _ in range(layers))
        self.norms = torch.nn.ModuleList(torch.nn.LayerNorm(width) for _ in range(layers))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map [batch, tokens, width] to the same."""
        batch, tokens, width = x.shape
        parts = zip(self.mixers, self.leavers, self.feeders, self.norms, strict=True)
        for mix, leave, feed, norm in parts:
            q, k, v = (
                one.reshape(batch, tokens, self.heads, -1).transpose(1, 2) for one in mix(norm(x)).split(width, -1)
            )
            scores = (q @ k.transpose(-1, -2) / (width // self.heads) ** 0.5).softmax(-1)
            x = x + leave((scores @ v).transpose(1, 2).reshape(batch, tokens, width))
            x = x + torch.tanh(feed(x)).exp()
        return x


class Convolutions(torch.nn.Module):  # type: ignore[misc]
    """Convolutions with batch norms and residual paths, then a classifier."""

    def __init__(self, depth: int, channels: int) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(torch.nn.Conv2d(channels, channels, 3, padding=1) for _ in range(depth))
        self.norms = torch.nn.ModuleList(torch.nn.BatchNorm2d(channels) for _ in range(depth))
        self.leave = torch.nn.Linear(channels, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map [batch, channels, height, width] to [batch, 5]."""
        for number, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            y = norm(layer(x)).relu()
            x = x + y if number % 3 else torch.maximum(x, y) - y.sigmoid()
        return self.leave(x.mean((2, 3))).log_softmax(-1)


class Recurrent(torch.nn.Module):  # type: ignore[misc]
    """Steps of a gated cell over a sequence."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.read = torch.nn.Linear(width, 2 * width)
        self.keep = torch.nn.Linear(width, 2 * width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map [steps, rows, width] to [rows, width]."""
        state = torch.zeros_like(x[0])
        for step in x.unbind(0):
            gate, new = (self.read(step) + self.keep(state)).chunk(2, -1)
            state = (state + new.tanh()) * gate.sigmoid()
        return state


class Around(torch.nn.Module):  # type: ignore[misc]
    """Cheap operations before and behind a few that a compiler is known to get wrong."""

    def __init__(self, inner: torch.nn.Module, length: int) -> None:
        super().__init__()
        self.inner, self.length = inner, length

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Return what the inner model makes, changed element by element."""
        first, *others = inputs
        for number in range(self.length):
            first = first * 1.01 if number % 2 else first.sin() + 1.5
        made: torch.Tensor = self.inner(first, *others)
        for number in range(self.length):
            made = made + 0.5 if number % 2 else made.abs()
        return made


class Rows(torch.nn.Module):  # type: ignore[misc]
    """The squared length of each column of a product (jax#39103)."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("matrix", torch.eye(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map [rows, 3] to [rows]."""
        y = self.matrix @ x.T
        return (y * y).sum(dim=0)


class RankSeven(torch.nn.Module):  # type: ignore[misc]
    """A product of seven axes, one of them of size 1, summed over one axis (jax#40412)."""

    def forward(self, u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """Return the sum over axis 3."""
        return (u * v).sum(dim=3)


class Quotient(torch.nn.Module):  # type: ignore[misc]
    """A quotient that is no number for some elements (jax#276)."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return 1 where it is none."""
        return ((y - y) / (y - y)).isnan().to(x.dtype) + x


class Tiny(torch.nn.Module):  # type: ignore[misc]
    """A product below the smallest normal number, made large again."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the product."""
        return (y * 1e-20) * 1e-20 * 1e30 * 1e10 + x


class Faint(torch.nn.Module):  # type: ignore[misc]
    """The root of squares that are below the smallest normal number."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the root, made large again."""
        return (y * y / 1e30 / 1e10).sqrt() * 1e20 + x


class NoNumber(torch.nn.Module):  # type: ignore[misc]
    """The larger of zero and what is no number, which is none either."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return no number anywhere."""
        return torch.relu((y - y) / (y - y)) + x


class SquareAttention(torch.nn.Module):  # type: ignore[misc]
    """Attention with as many heads as tokens, and the heads last but one in its output."""

    def forward(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """Map [batch, heads, tokens, width] to [batch, tokens, heads, width]."""
        return (torch.softmax(q @ k.transpose(-2, -1), -1) @ v).permute(0, 2, 1, 3).contiguous()


def recurrent(steps: int = 6, width: int = 16) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Return steps of a gated cell."""
    return Recurrent(width), (torch.randn(steps, 4, width),)


def tower(depth: int = 10, width: int = 16) -> tuple[torch.nn.Module, torch.Tensor]:
    """Return the tower and an input."""
    return Tower(depth, width), torch.randn(4, width)


def attention(layers: int = 3, width: int = 16, heads: int = 2) -> tuple[torch.nn.Module, torch.Tensor]:
    """Return the encoder blocks and an input."""
    return Attention(layers, width, heads), torch.randn(2, 6, width)


def convolutions(depth: int = 9, channels: int = 4) -> tuple[torch.nn.Module, torch.Tensor]:
    """Return the convolutions and an input."""
    return Convolutions(depth, channels).eval(), torch.randn(2, channels, 8, 8)


def rows(length: int = 12) -> tuple[torch.nn.Module, torch.Tensor]:
    """Return one row more than 32,768."""
    return Around(Rows(), length), torch.randn(32769, 3)


def rank_seven(length: int = 12) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Return a sum over one of seven axes."""
    shape = (3, 1, 2, 2, 8, 8, 8)
    return Around(RankSeven(), length), (torch.randn(shape), torch.randn(shape))


def quotient(length: int = 12) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Return a test for what is no number."""
    return Around(Quotient(), length), (torch.randn(8, 8), torch.randn(8, 8))


def tiny(length: int = 12) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Return a product of tiny numbers."""
    return Around(Tiny(), length), (torch.randn(8, 8), torch.randn(8, 8))


def faint(length: int = 12) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Return roots of tiny numbers."""
    return Around(Faint(), length), (torch.randn(8, 8), torch.randn(8, 8))


def no_number(length: int = 12) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Return what is no number."""
    return Around(NoNumber(), length), (torch.randn(4, 8), torch.randn(4, 8))


def square(heads: int = 8, length: int = 12) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Return attention of as many heads as tokens."""
    q, k, v = (torch.randn(1, heads, heads, 16) for _ in range(3))
    return Around(SquareAttention(), length), (q, k, v)
