"""Tests of the `openlib` command."""
