"""``python -m ablatrix``: the same as the ``ablatrix`` command, which imports nothing from the working directory."""

import os
import sys

# -m puts it in front of everything, also of pathlib; in somebody else's folder it is not to be trusted.
if __name__ == "__main__" and sys.path[:1] == [os.getcwd()]:  # noqa: PTH109
    del sys.path[0]

from ablatrix.cli.main import main

if __name__ == "__main__":
    main()
