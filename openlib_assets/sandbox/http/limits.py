"""The rate limit in front of Open Library: nginx's leaky bucket, and a ban for those who overrun it often."""

import threading

TOO_MANY_REQUESTS = (
    b'{"status": 429, "message": "Too Many Requests. Consider using https://openlibrary.org/developers/dumps."}'
)


class LeakyBucket:
    """nginx's `limit_req zone=... burst=... delay=...`, for one client."""

    def __init__(self, rate: float, *, burst: int, delay: int):
        self._rate, self._burst, self._delay = rate, burst, delay
        self._excess = 0.0
        self._latest: float | None = None
        self._lock = threading.Lock()

    def admit(self, now: float) -> float | None:
        """How many seconds a request has to wait, or None if it is refused."""
        with self._lock:
            if self._latest is None:
                excess = 0.0
            else:
                excess = max(0.0, self._excess - self._rate * max(0.0, now - self._latest) + 1)
            if excess > self._burst:
                return None
            self._excess, self._latest = excess, now
            return max(0.0, excess - self._delay) / self._rate


class Ban:
    """fail2ban's answer to repeated refusals: no answer at all, for a while."""

    def __init__(self, after: int, seconds: float):
        self._after, self._seconds = after, seconds
        self._refusals = 0
        self._until = 0.0
        self._lock = threading.Lock()

    def refused(self, now: float) -> None:
        """Count a 429."""
        with self._lock:
            self._refusals += 1
            if self._refusals >= self._after:
                self._refusals, self._until = 0, now + self._seconds

    def holds(self, now: float) -> bool:
        """Whether the client is banned."""
        return now < self._until
