"""Tests of the storages, on disk and S3."""
