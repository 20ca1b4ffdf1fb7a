"""Tests of what stands in `infra/terraform`."""
