"""Tests of the way to Open Library, over real sockets."""
