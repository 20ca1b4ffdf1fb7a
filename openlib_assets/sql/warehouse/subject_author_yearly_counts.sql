-- One row is an author and a year in which they have at least one book of a subject.
FROM fetched_author_yearly_counts
