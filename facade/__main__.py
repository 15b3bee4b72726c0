"""The entry point of the ``twinpeaks`` command."""

import sys
from importlib import import_module


def main() -> None:
    """Run the command line; Ctrl-C says so on one line, also while packages are still loading."""
    try:
        import_module("twinpeaks.commands").main()
    except KeyboardInterrupt:
        sys.stderr.write("twinpeaks: interrupted\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
