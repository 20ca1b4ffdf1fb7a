"""Tests of the sandbox: it answers as Open Library does."""
