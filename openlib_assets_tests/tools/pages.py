"""What the project's pages contain for their script."""

import json
import re
from typing import Any


def read_data(text: str) -> dict[str, list[dict[str, Any]]]:
    """Return the data in the text of a page."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    data: dict[str, list[dict[str, Any]]] = json.loads(found[1])
    return data
