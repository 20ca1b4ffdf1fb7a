"""Pages for people: a subject's report, and the comparison of all subjects. Numbers, words, charts, and HTML."""
