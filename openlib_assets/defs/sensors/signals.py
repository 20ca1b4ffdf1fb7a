"""Signals: one JSON line each on standard output, for alarms that watch the logs of the code location.

`{"openlib_signal": "run_failed", ...}`: the name says what happened, the other fields tell of it. The names are a
contract with whoever set up alarms.
"""

import json
import sys


def signal(name: str, **fields: str | int) -> None:
    """Print a signal."""
    print(json.dumps({"openlib_signal": name, **fields}), file=sys.stdout, flush=True)
