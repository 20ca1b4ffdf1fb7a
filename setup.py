"""Lets tools that still look for a setup.py find one; everything is declared in pyproject.toml."""

from setuptools import setup

setup()
