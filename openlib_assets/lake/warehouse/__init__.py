"""The warehouse: one star schema over all subjects, published whole.

`refreshing` makes the next version, of the one before and the subjects that changed; `versions` tells which is current.
Of a refresh, `reading` knows the tables of subjects, `rows` what they change, `merging` and `writing` the files.
"""
