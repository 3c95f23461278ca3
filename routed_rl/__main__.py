"""`python -m routed_rl` is `routed-rl`."""

import sys

from routed_rl.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
