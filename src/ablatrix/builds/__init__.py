"""Builds: the same compiler in several forms, made once, each with an interpreter and an environment of its own.

``BuildSpec`` says how one is made; ``make_build`` makes it below a directory, or finds it there::

    spec = BuildSpec(git=GitSource(repository="../plug-in", commit="v1.2", pythonpath=("python",)))
    build = make_build("candidate", spec, work / "builds", base=study_directory)
    subprocess.run([build.interpreter, "-P", "-m", "my_module"], env=build.variables(os.environ))

What is made is kept under the digest of what was asked for, so that the same specification is made once in a directory,
whoever asks, and asks nothing of the network after that. A making that is killed leaves nothing that a later one takes
for a build. ``BuildFailedError`` says that a command of the making failed, ``BuildError`` whatever else is wrong.
"""

from ablatrix.builds.build import Build, BuildLock, Distribution, Facts
from ablatrix.builds.build_file import read_locks, write_locks
from ablatrix.builds.checkout import find_commit
from ablatrix.builds.identity import identity_of, source_files
from ablatrix.builds.making import make_build
from ablatrix.builds.probe import describe_interpreter, missing_modules
from ablatrix.builds.spec import HERE, BuildName, BuildSpec, GitSource

__all__ = [
    "HERE",
    "Build",
    "BuildLock",
    "BuildName",
    "BuildSpec",
    "Distribution",
    "Facts",
    "GitSource",
    "describe_interpreter",
    "find_commit",
    "identity_of",
    "make_build",
    "missing_modules",
    "read_locks",
    "source_files",
    "write_locks",
]
