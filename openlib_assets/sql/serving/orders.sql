-- One row is a work to order for several subjects, whose order lists `order_lists` has together: each work once, as the
-- subject has it in which it scores best, then the first by key. Works that the store may sell by the stocking list of
-- any of them, as `sold` has them, are left out.
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
FROM (
    SELECT
        work_key,
        first(order_lists ORDER BY score DESC, subject) AS best,
        list(subject ORDER BY subject) AS subjects
    FROM order_lists
    ANTI JOIN sold USING (work_key)
    GROUP BY work_key
)
ORDER BY rank
