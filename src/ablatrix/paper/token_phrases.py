# ruff: noqa: RUF001 - Chinese punctuation is meant
"""Phrases on models that generate text: in English and in Chinese, side by side."""

from collections.abc import Mapping

TOKENS: Mapping[str, tuple[str, str]] = {
    "context": (
        "Per token of context, the time of a token of {model} in {phase} grows by {slopes}, by least squares over "
        "contexts of {least} to {most} tokens; the coefficient of determination is at least {fit}.",
        "对 {least} 至 {most} 个 token 的上下文作最小二乘拟合，上下文每增加一个 token，{model} 在 {phase} 阶段的"
        "每 token 时间的增量如下：{slopes}；决定系数均不低于 {fit}。",
    ),
    "context/slope": ("{slope} with {compiler} ({ci})", "{compiler} 为 {slope}（{ci}）"),
}
