"""What a run does by side: each compiler, in each of its builds, has servers, a program that it reads, and an entry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ablatrix.compilers.catalogue import CompilerEntry
from ablatrix.errors import BuildFailedError
from ablatrix.records.build import BuildFacts
from ablatrix.records.machine import cores_allowed
from ablatrix.records.model import Failure
from ablatrix.records.status import Status
from ablatrix.study.design import Cell
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.client import BuildServerError, Loaded, Servers, Sides
from ablatrix.trials.results import Outcome, read_facts
from ablatrix.trials.run.block import BlockInput, ServerOf
from ablatrix.trials.run.preparation import Preparation


class BySide:
    """The sides of one run, with their servers and prepared programs."""

    def __init__(
        self, resolved: ResolvedStudy, sides: Sides, servers: Servers, preparation: Preparation, threads: int
    ) -> None:
        self._study, self._catalogue = resolved
        self._threads = threads
        self._sides, self._servers, self._preparation = sides, servers, preparation

    def start_builds(self, cells: Iterable[Cell]) -> None:
        """Start the servers of all builds that cells need: one that cannot start is known before anything is measured.

        Raises:
            BuildFailedError: One does not start, as where a package of its build cannot be imported.
        """
        sides = (self._sides.of(cell) for cell in cells if cell.knobs)
        try:
            self._servers.start(side for side in sides if side.build is not None)
        except BuildServerError as error:
            raise BuildFailedError(str(error), error.build) from None

    def entries(self, cells: Iterable[Cell]) -> dict[str, CompilerEntry]:
        """Return the compiler of each cell that has a build, as it is there, by the cell's id."""
        return {cell.cell_id: self._sides.entry_of(cell) for cell in cells if self._sides.of(cell).build is not None}

    def prepare(self, cell: Cell) -> Iterator[str]:
        """Prepare the workload of a cell once more where its build has another torch, and yield what is to be told."""
        side = self._sides.of(cell)
        torch = self._sides.other_torch(side)
        if torch is None or not self._preparation.has_program(cell) or self._preparation.is_ready(cell, side):
            return
        self._preparation.make(cell, side)
        own = self._preparation.own_digest(cell, side)
        shared = read_facts(self._preparation.place(cell), self._catalogue.workload(cell.workload), cell).digest
        if own is not None and own != shared:
            yield (
                f"{cell.workload}: torch {torch} of build '{side.build}' makes another program of it (SHA-256 "
                f"{own[:12]}, the others' {shared[:12]}): differences between builds are of both"
            )

    def unprepared(self, cell: Cell, compiler: str) -> tuple[Status, Failure] | None:
        """Return why the program of a cell, or of its side, could not be prepared; None where it could."""
        return self._preparation.failure(cell) or self._preparation.failure(cell, self._sides.of(cell, compiler))

    def servers(self, compiler: str) -> ServerOf:
        """Return what serves the cells of a block for a compiler: the servers that all its blocks share."""
        return lambda cell: self._servers.get(*self._loaded(cell, compiler))

    def hot_servers(self, block: BlockInput, compiler: str, following: Cell | None) -> ServerOf:
        """Return the servers of a hot block, and begin to start those of the next one where a core is free for it.

        They start while this block is built. Without a free core nothing is gained, and a CPU quota would stop the
        block's own workers meanwhile.

        Args:
            block: The block.
            compiler: Whose it is.
            following: A cell of the next hot block, None where there is none.

        Raises:
            TrialError: One does not start, or the program cannot be loaded.
        """
        if not self._study.protocol.renews_servers:
            return self.servers(compiler)
        wanted = list(dict.fromkeys(self._loaded(cell, compiler) for _, cell in block.trials))
        found = self._servers.get_new(wanted)
        if following is not None and cores_allowed() > self._threads and self._preparation.has_program(following):
            # A further block of the same compiler has the same builds; one of another has its baseline's at least.
            sides = [side for side, _ in wanted if side.compiler == following.compiler] or [self._sides.of(following)]
            self._servers.anticipate([(side, self._preparation.place(following, side)) for side in sides])
        return lambda cell: found[self._loaded(cell, compiler)]

    def with_build(self, outcome: Outcome) -> Outcome:
        """Return an outcome with the build of its compiler, where that has any."""
        side = self._sides.of(outcome.cell)
        build = self._sides.build(side)
        if build is None:
            return outcome
        facts = BuildFacts(
            name=build.name,
            digest=build.digest,
            commit=build.commit,
            dirty=build.dirty,
            program=self._preparation.own_digest(outcome.cell, side),
            complete_code=self._sides.entry(side).complete_code,
        )
        return replace(outcome, build=facts)

    def _loaded(self, cell: Cell, compiler: str) -> Loaded:
        """Return the side of a cell in a block for a compiler, and the prepared program that it reads."""
        side = self._sides.of(cell, compiler)
        return side, self._preparation.place(cell, side)
