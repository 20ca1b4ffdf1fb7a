"""Tests of the files of dumps: what there is, how it is downloaded, what is refused."""
