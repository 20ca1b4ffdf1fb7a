-- One row is a work to order for several subjects, whose order lists `order_lists` has together, and whose stocking lists
-- `stocking_lists`: each book once, by the best of its works, each as the subject has it in which it scores best, then the
-- first by key. A subject may list a work without the one that another takes for the same book, so that books are put
-- together over all of them. Left out are works that the store may sell by any stocking list, and books of which it surely
-- sells a work.
WITH RECURSIVE linked AS (
    SELECT work_key, duplicate_of AS other FROM stocking_lists WHERE duplicate_of IS NOT NULL
    UNION
    SELECT duplicate_of, work_key FROM stocking_lists WHERE duplicate_of IS NOT NULL
),

books AS (
    SELECT work_key, work_key AS other FROM order_lists
    UNION
    SELECT books.work_key, linked.other
    FROM books
    JOIN linked ON linked.work_key = books.other
),

unsold AS (
    SELECT books.work_key, min(books.other) AS book
    FROM books
    LEFT JOIN stocking_lists ON stocking_lists.work_key = books.other
    GROUP BY books.work_key
    HAVING NOT bool_or(
        coalesce(in_store = 'yes' OR (in_store = 'review' AND books.other = books.work_key), false)
    )
),

best_of_books AS (
    SELECT
        work_key,
        first(order_lists ORDER BY score DESC, subject) AS best,
        list(subject ORDER BY subject) AS subjects
    FROM order_lists
    JOIN unsold USING (work_key)
    GROUP BY work_key, book
    QUALIFY row_number() OVER (PARTITION BY book ORDER BY max(score) DESC, work_key) = 1
)

SELECT
    row_number() OVER (ORDER BY best.score DESC, work_key) AS rank,
    work_key,
    best.edition_key,
    best.isbn13,
    best.title,
    best.author_names,
    best.publisher,
    best.publish_date,
    best.language,
    best.score,
    best.reason,
    subjects
FROM best_of_books
ORDER BY rank
