"""Attention in shifted windows, as in Swin: roll, cut into windows, attend, put together, roll back."""

import torch


class Windows(torch.nn.Module):
    """One block over an image of channels-last features."""

    def __init__(self, hidden: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads, self.window, self.shift = heads, window, window // 2
        self.norm = torch.nn.LayerNorm(hidden)
        self.qkv, self.out = torch.nn.Linear(hidden, 3 * hidden), torch.nn.Linear(hidden, hidden)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return features of the image's shape, [batch, rows, columns, hidden]."""
        batch, rows, columns, hidden = image.shape
        side, area = self.window, self.window**2
        x = torch.roll(self.norm(image), (-self.shift, -self.shift), (1, 2))
        x = x.view(batch, rows // side, side, columns // side, side, hidden)
        x = x.permute(0, 1, 3, 2, 4, 5).reshape(-1, area, hidden)
        q, k, v = self.qkv(x).view(-1, area, 3, self.heads, hidden // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        weights = torch.softmax(q * (hidden // self.heads) ** -0.5 @ k.transpose(-2, -1), -1)
        x = self.out((weights @ v).transpose(1, 2).reshape(-1, area, hidden))
        x = x.view(batch, rows // side, columns // side, side, side, hidden)
        x = x.permute(0, 1, 3, 2, 4, 5).reshape(batch, rows, columns, hidden)
        return image + torch.roll(x, (self.shift, self.shift), (1, 2))


def windows(
    hidden: int = 96, heads: int = 3, window: int = 7, image: int = 28
) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Return the block and an image for it."""
    return Windows(hidden, heads, window), (torch.randn(1, image, image, hidden),)
