-- One row is an author who may be the same person as another; the surest come first.
SELECT author_key, author_name, into_author_key, into_author_name, rule, score
FROM possible_same_authors
ORDER BY score DESC, author_key
LIMIT 50
