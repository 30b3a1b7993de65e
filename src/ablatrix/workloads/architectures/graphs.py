"""Graph networks: edges are an input, and messages are gathered, summed by their target, and scattered back."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import nn

EDGES_A_NODE = 3


def make_graph(nodes: int, features: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return features [nodes, features] and edges [2, edges], source and target; each node has an edge to itself."""
    random = torch.Generator().manual_seed(0)
    own = torch.arange(nodes)
    further = torch.randint(nodes, (2, EDGES_A_NODE * nodes), generator=random)
    edges = torch.cat((torch.stack((own, own)), further), 1)
    return torch.randn(nodes, features, generator=random), edges


class GcnLayer(nn.Module):  # type: ignore[misc]
    """Kipf and Welling 2017: a sum over neighbours, weighted by both degrees."""

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, hidden, bias=False)
        self.bias = nn.Parameter(torch.randn(hidden) * 0.1)

    def forward(self, x: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
        """Map [nodes, features] to [nodes, hidden]."""
        source, target = edges[0], edges[1]
        degree = torch.zeros(x.shape[0], dtype=x.dtype).scatter_add(0, target, torch.ones_like(target, dtype=x.dtype))
        scale = degree.rsqrt()
        messages = self.linear(x)[source] * (scale[source] * scale[target])[:, None]
        return torch.zeros(x.shape[0], messages.shape[1], dtype=x.dtype).index_add(0, target, messages) + self.bias


class SageLayer(nn.Module):  # type: ignore[misc]
    """Hamilton and others 2017: the mean of neighbours beside the node itself."""

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.own, self.others = nn.Linear(features, hidden), nn.Linear(features, hidden, bias=False)

    def forward(self, x: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
        """Map [nodes, features] to [nodes, hidden]."""
        places = edges[1][:, None].expand(-1, x.shape[1])
        mean = torch.zeros_like(x).scatter_reduce(0, places, x[edges[0]], "mean", include_self=False)
        return self.own(x) + self.others(mean)


class GatLayer(nn.Module):  # type: ignore[misc]
    """Velickovic and others 2018: a softmax over the edges of each target, with several heads."""

    def __init__(self, features: int, hidden: int, heads: int = 2) -> None:
        super().__init__()
        self.heads, self.width = heads, hidden // heads
        self.linear = nn.Linear(features, hidden, bias=False)
        self.of_source, self.of_target = (nn.Parameter(torch.randn(heads, self.width) * 0.3) for _ in range(2))

    def forward(self, x: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
        """Map [nodes, features] to [nodes, hidden]."""
        source, target = edges[0], edges[1]
        made = self.linear(x).view(-1, self.heads, self.width)
        scores = (made * self.of_source).sum(-1)[source] + (made * self.of_target).sum(-1)[target]
        scores = nn.functional.leaky_relu(scores, 0.2)
        places = target[:, None].expand(-1, self.heads)
        lowest = torch.full((x.shape[0], self.heads), torch.finfo(x.dtype).min, dtype=x.dtype)
        largest = lowest.scatter_reduce(0, places, scores, "amax")
        weights = torch.exp(scores - largest[target])
        sums = torch.zeros_like(largest).scatter_add(0, places, weights)
        messages = made[source] * (weights / sums[target])[:, :, None]
        return torch.zeros_like(made).index_add(0, target, messages).flatten(1)


class GinLayer(nn.Module):  # type: ignore[misc]
    """Xu and others 2019: a network on the sum of a node and its neighbours."""

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.epsilon = nn.Parameter(torch.tensor(0.1))
        self.net = nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, hidden))

    def forward(self, x: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
        """Map [nodes, features] to [nodes, hidden]."""
        return self.net((1 + self.epsilon) * x + torch.zeros_like(x).index_add(0, edges[1], x[edges[0]]))


LAYERS: Mapping[str, Callable[[int, int], nn.Module]] = {
    "gcn": GcnLayer,
    "graphsage": SageLayer,
    "gat": GatLayer,
    "gin": GinLayer,
}


class GraphNet(nn.Module):  # type: ignore[misc]
    """Two layers and a class for each node."""

    def __init__(self, kind: str, features: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.first, self.second = LAYERS[kind](features, hidden), LAYERS[kind](hidden, hidden)
        self.head = nn.Linear(hidden, classes)

    def forward(self, x: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
        """Map features and edges to [nodes, classes] scores."""
        return self.head(torch.relu(self.second(torch.relu(self.first(x, edges)), edges)))


def graph_net(
    kind: str = "gcn", nodes: int = 24, features: int = 8, hidden: int = 16, classes: int = 4
) -> tuple[nn.Module, tuple[torch.Tensor, torch.Tensor]]:
    """Return a network of ``LAYERS`` with a random graph."""
    return GraphNet(kind, features, hidden, classes).eval(), make_graph(nodes, features)
