"""The sentences of a paper's paragraphs. Each is made from the records, or is omitted with the reason.

A writer of sentences is a function of `Sources` that yields each sentence with a name, or the name of a sentence that
the records do not support, with the reason. Sentences are phrases, names and numbers: their language, and how a
paragraph is written to a file, are decided elsewhere.
"""

from collections.abc import Mapping, Sequence

from ablatrix.paper.sentences.benefit import BENEFIT
from ablatrix.paper.sentences.claims import CLAIMS
from ablatrix.paper.sentences.correctness import CORRECTNESS
from ablatrix.paper.sentences.fairness import FAIRNESS
from ablatrix.paper.sentences.sentence import Writes
from ablatrix.paper.sentences.setup import SETUP

PARAGRAPHS: Mapping[str, Sequence[Writes]] = {
    "setup": SETUP,
    "fairness": FAIRNESS,
    "benefit": BENEFIT,
    "correctness": CORRECTNESS,
    "claims": CLAIMS,
}
