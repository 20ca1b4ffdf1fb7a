"""The benchmarks: what the project promises about pace, speed and memory, measured on the sandbox.

`make bench`, or `python -m benchmarks [NAME...]`. Each module has a theme and a function `figures()`. Everything runs
as users run it, in processes of its own, on this machine only, in temporary folders that are removed afterwards.
Where a figure is compared with a baseline, both are measured in the same run, one right after the other.
"""
