"""Train mode: a model is measured in the mode in which it is given, and never put into another without a word."""

from __future__ import annotations

from collections.abc import Iterator
from types import CodeType

from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.dropout import _DropoutNd

from ablatrix.errors import WorkloadError

READ = "training"
MOST_NAMED = 3


def settle_mode(module: nn.Module, train: bool) -> None:
    """Keep a model in the mode in which it is given, or put one into eval mode where that changes nothing.

    A new module of torch is in train mode, whether or not anybody thought of it. So train mode has to be said where it
    makes a difference: by a model that is in eval mode but for some parts, or by the study.

    Args:
        module: As its user made it.
        train: Whether the study says that it is meant to be in train mode.

    Raises:
        WorkloadError: It is in train mode, that makes a difference, and the study does not say so.
    """
    if train:
        module.train()
        return
    if not module.training:
        return
    found = [f"{path or 'the model itself'} ({type(one).__name__})" for path, one in _differing(module)]
    if found:
        more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
        raise WorkloadError(
            f"the model is in train mode, in which it computes something else, because of "
            f"{', '.join(found[:MOST_NAMED])}{more}; return model.eval(), or say 'train: true' for it in the study"
        )
    module.eval()


def _differing(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield the parts of a model that compute something else in train mode, by their paths."""
    for path, part in module.named_modules():
        if part.training and _differs(part):
            yield path, part


def _differs(part: nn.Module) -> bool:
    if isinstance(part, _DropoutNd):
        return bool(part.p > 0)
    if isinstance(part, _NormBase):
        return bool(part.track_running_stats)
    if isinstance(part, (nn.MultiheadAttention, nn.RNNBase)):
        return bool(part.dropout > 0)
    if isinstance(part, nn.RReLU):
        return True
    forward = getattr(type(part).forward, "__code__", None)
    own = not type(part).__module__.startswith("torch.nn.")
    return own and isinstance(forward, CodeType) and _reads(forward)


def _reads(code: CodeType) -> bool:
    """Whether code reads an attribute of that name, itself or in a function that it defines."""
    return READ in code.co_names or any(_reads(one) for one in code.co_consts if isinstance(one, CodeType))
