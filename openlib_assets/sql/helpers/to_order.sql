-- The keys of the works to order: of the stocking list, the first that the store is not known to sell, one of each book:
-- the best of its works that is not known to lack the languages in `asked`. Where a better one may be sold, the book is left out.
WITH listed AS (
    SELECT
        work_key,
        rank,
        coalesce(duplicate_of, work_key) AS book,
        coalesce(in_store, 'no') = 'no' AS is_unsold,
        coalesce(len(stocking_list.languages), 0) = 0
        OR list_has_any(stocking_list.languages, string_split(asked.languages, ',')) AS has_language
    FROM stocking_list
    CROSS JOIN asked
),

books AS (
    SELECT
        work_key,
        rank,
        is_unsold
    FROM listed
    -- One that may be sold decides for its book, whatever its language.
    WHERE has_language OR NOT is_unsold
    QUALIFY row_number() OVER (PARTITION BY book ORDER BY rank) = 1
)

SELECT books.work_key
FROM books
CROSS JOIN asked
WHERE books.is_unsold
QUALIFY row_number() OVER (ORDER BY books.rank) <= asked.most
ORDER BY books.rank
