"""Claims."""

from ablatrix.paper.sentences.sentence import Writes

CLAIMS: tuple[Writes, ...] = ()
