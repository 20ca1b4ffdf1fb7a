"""Tests of openlib_assets."""
