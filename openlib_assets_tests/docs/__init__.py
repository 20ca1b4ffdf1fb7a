"""Tests of the documentation, and the commands that make the generated parts of it."""
