"""A step of any asset: how it goes through the subjects of its run, puts their files in place and records each."""
