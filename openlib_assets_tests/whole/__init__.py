"""Tests of the whole, from end to end: kills, faults, leftovers, the daemon."""
