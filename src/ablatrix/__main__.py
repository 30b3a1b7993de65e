"""``python -m ablatrix``: the same as the ``ablatrix`` command."""

from ablatrix.cli.main import main

if __name__ == "__main__":
    main()
