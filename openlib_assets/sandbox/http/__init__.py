"""How the sandbox answers: parameters, replies, limits, faults, and the server."""
