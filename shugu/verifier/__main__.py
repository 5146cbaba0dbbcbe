from __future__ import annotations

import sys

from shugu.verifier.cli import main

if __name__ == "__main__":
    sys.exit(main())
