"""The whole catalogue from a monthly dump: its tables, made step by step, and the works of any subject out of them.

A step makes one table of a dump from others. The lake of a dump is complete when every step has been made.
"""
