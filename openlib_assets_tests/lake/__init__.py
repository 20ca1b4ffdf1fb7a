"""Tests of the tables, against plain Python."""
