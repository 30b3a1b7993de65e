"""A program as a compiler: it compiles the whole workload as one task, through the cache, in a process of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ablatrix.compilers.adapter import CompileRequest, Executable
from ablatrix.compilers.catalogue import ENVIRONMENT, CompilerEntry, SettingValue
from ablatrix.errors import CompilerError, UnsupportedError

if TYPE_CHECKING:
    from ablatrix.compilers.command.session import Session


class CommandCompiler:
    """Starts the program for each compile and sends it requests; its entry, made from its description, has the knobs.

    Args:
        entry: As ``describe_command`` returns it, with the program.
    """

    def __init__(self, entry: CompilerEntry) -> None:
        assert entry.program is not None
        self._entry, self._program = entry, entry.program
        self.name = entry.name
        self._threads = 1
        self._in_force: dict[str, int] = {}
        self._settings: dict[str, str] = {}

    def preload(self) -> None:
        """Import the modules that pass programs and tensors to the program."""
        import numpy  # noqa: F401
        import torch  # noqa: F401

        import ablatrix.compilers.command.executable
        import ablatrix.compilers.command.handover
        import ablatrix.compilers.task_building  # noqa: F401

        if "onnx" in self._program.formats:
            from ablatrix.compilers.onnxruntime.compiler import OnnxRuntimeCompiler

            OnnxRuntimeCompiler().preload()

    def versions(self) -> Mapping[str, str]:
        """Return what the program's description reports, and the version of torch, which exported for it."""
        import torch

        return {"torch": str(torch.__version__), **self._program.versions}

    def set_threads(self, threads: int) -> None:
        """Set torch's threads, and those that the next program is given to use."""
        import torch

        torch.set_num_threads(threads)
        self._threads = threads

    def threads_in_force(self) -> Mapping[str, int]:
        """Return the threads that the program reported when it loaded the artifact; empty before that."""
        return dict(self._in_force)

    def settings_in_force(self) -> Mapping[str, str]:
        """Return the study's settings of the run time, as the program read them back when it loaded the artifact."""
        return dict(self._settings)

    def compile(self, request: CompileRequest) -> Executable:
        """Start the program, have it build the workload or find it in the cache, and have it load that.

        Raises:
            UnsupportedError: A level that the program described as unsupported, or a request that it refuses.
            ProgramEndedError: It ended.
            CompilerError: It failed, or an answer breaks the protocol.
        """
        from ablatrix.compilers.command.executable import CommandExecutable
        from ablatrix.compilers.command.replies import read_settings, read_threads
        from ablatrix.compilers.command.session import Session
        from ablatrix.compilers.task_building import compile_tasks, gather_facts

        self._entry.refuse_unsupported(request.knobs)
        if not request.tasks:
            raise UnsupportedError(f"{self.name}: the workload computes nothing, so that there is nothing to compile")
        if len(request.tasks) != 1:
            raise CompilerError(
                f"{self.name}: a program compiles a whole workload, not {len(request.tasks)} tasks of it"
            )
        self.set_threads(request.threads)
        with request.clock.uncounted("start"):
            session = Session(self.name, self._program.command, request.work_dir, request.threads)
            self._greet(session)
        own = {
            "compiler": f"command {self.name}",
            "program": self._program.digest,
            "knobs": self._code_knobs(request.knobs),
            **self._settings_of(request.settings.code),
        }
        built = compile_tasks(request, [own], lambda task, key: self._build(session, request, task, key))
        with request.clock.phase("load"):
            facts = gather_facts(built, request.plan)
            executable = CommandExecutable(request, session, self._program.tensors, facts)
            settings = self._settings_of({**request.settings.code, **request.settings.run_time})
            answer = executable.load(built[0], {"knobs": self._own_knobs(request.knobs), **settings})
            self._in_force = read_threads(answer, self.name)
            self._settings = read_settings(answer, request.settings.to_read_back, self.name)
        return executable

    def _greet(self, session: Session) -> None:
        """Refuse a program that describes itself differently than when the study was read."""
        from ablatrix.compilers.command.description import PROTOCOL, read_description

        described = read_description(session.ask({"do": "describe", "protocol": PROTOCOL}), self.name)
        for what, now, before in (
            ("versions", described.versions, self._program.versions),
            ("tensors", described.tensors, self._program.tensors),
        ):
            if now != before:
                raise CompilerError(
                    f"{self.name}: the program now describes other {what} than when the study was read: "
                    f"{now}, before {before}; do not change the program during a run"
                )

    def _build(self, session: Session, request: CompileRequest, task: Any, key: str) -> Any:
        import tempfile
        from pathlib import Path

        from ablatrix.compilers.command.handover import write_task
        from ablatrix.compilers.command.replies import read_compiled
        from ablatrix.compilers.dump import TaskDump

        dump = TaskDump.of(request, task)
        directory = Path(tempfile.mkdtemp(prefix=f"{key[:12]}-", dir=request.work_dir))
        with request.clock.phase("import"):
            manifest = write_task(request, task, self._program.formats, directory)
        asked = {
            "do": "compile",
            "program": manifest,
            "knobs": self._code_knobs(request.knobs),
            **self._settings_of(request.settings.code),
            "directory": str(directory),
        }
        dump.text(
            "before", "request.json", "What the program is asked to compile.", lambda: json.dumps(asked, indent=1)
        )
        own = dump.folder("program")
        with request.clock.phase("compile"):
            answer = session.ask(asked if own is None else {**asked, "dump": str(own)})
        dump.collect("program", "code", "Written by the program itself.")
        file, facts = read_compiled(answer, directory, self.name)
        dump.file("after", f"artifact{file.suffix}", "What it built.", lambda path: shutil.copyfile(file, path))
        return file, facts

    def _own_knobs(self, knobs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the levels of the program's own knobs."""
        return {knob.name: knobs[knob.name] for knob in self._entry.knobs if not (knob.cold_only or knob.acts)}

    def _code_knobs(self, knobs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the levels that code may depend on: others do not reach ``compile``, nor the keys of the cache."""
        return {knob.name: knobs[knob.name] for knob in self._entry.knobs if knob.may_change_code and not knob.acts}

    def _settings_of(self, values: Mapping[tuple[str, str], SettingValue]) -> dict[str, dict[str, SettingValue]]:
        """Return the settings of a request, by address; nothing for a program that describes none."""
        if not self._program.settings:
            return {}
        named = sorted((address, value) for address, value in values.items() if address[0] != ENVIRONMENT)
        return {"settings": {f"{kind}:{name}": value for (kind, name), value in named}}
