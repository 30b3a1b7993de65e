"""Benefit: six to ten sentences, however many knobs, workloads and compilers there are.

What the whole gains, who earns it, what interacts, what earns nothing, what it costs, what happens to memory, and where
it hurts; what each knob does on each workload is in tables and figures.
"""

from ablatrix.paper.sentences.along_axes import along_axes
from ablatrix.paper.sentences.best_choice import best_choice
from ablatrix.paper.sentences.compared import against_eager
from ablatrix.paper.sentences.contexts import over_context
from ablatrix.paper.sentences.costs import compile_time, memory
from ablatrix.paper.sentences.idle import losses, nothing_earned
from ablatrix.paper.sentences.screened import screened
from ablatrix.paper.sentences.sentence import Writes
from ablatrix.paper.sentences.shares import changes, interaction, shares
from ablatrix.paper.sentences.whole import absolute, whole

BENEFIT: tuple[Writes, ...] = (
    whole,
    absolute,
    against_eager,
    screened,
    shares,
    changes,
    interaction,
    along_axes,
    nothing_earned,
    losses,
    compile_time,
    memory,
    best_choice,
    over_context,
)
