-- One row is a work, ranked by whether to stock it. docs/definitions.md says what each criterion means, and why.
--
-- `asked` has the weights and whether a store catalogue is set, `works_in_store` what the store sells of the works, or
-- may sell. Criteria and score are rounded to four digits, so that they are the same on every machine. A criterion of
-- which nothing is known is null, and does not count.
WITH RECURSIVE counted AS (
    SELECT
        books.work_key,
        books.title,
        CASE WHEN books.year_status = 'ok' THEN books.first_publish_year END AS year,
        CASE WHEN books.edition_count >= 0 THEN books.edition_count END AS editions,
        details.languages,
        details.ebook_access,
        -- Of a work with a document, a count that it leaves out is zero.
        details.languages IS NOT NULL AS has_document,
        CASE WHEN has_document THEN greatest(0, coalesce(details.want_to_read, 0)) END AS wanted,
        CASE
            WHEN has_document
                THEN greatest(0, coalesce(details.currently_reading, 0)) + greatest(0, coalesce(details.already_read, 0))
        END AS readers,
        CASE
            WHEN details.ratings_average BETWEEN 1 AND 5 AND details.ratings_count > 0 THEN details.ratings_count
        END AS votes,
        round(votes * details.ratings_average)::BIGINT AS stars
    FROM books
    LEFT JOIN work_details AS details USING (work_key)
),
subject AS (
    SELECT
        ln(1 + greatest(1, max(wanted))) AS most_wanted,
        ln(1 + greatest(1, max(readers))) AS most_readers,
        ln(1 + greatest(1, max(editions))) AS most_editions,
        sum(stars) / sum(votes) AS mean_rating,
        bool_or(has_document) AS readers_are_known,
        (SELECT year(fetched_at) FROM subject_summary) AS this_year,
        (SELECT ln(1 + greatest(1, max(book_count))) FROM authors) AS most_books
    FROM counted
),
store AS (
    SELECT
        work_key,
        bool_or(decision = 'yes') AS is_sold,
        bool_or(decision = 'review') AS may_be_sold,
        coalesce(sum(greatest(0, units_sold)) FILTER (WHERE decision = 'yes'), 0)::BIGINT AS units_sold
    FROM works_in_store
    GROUP BY work_key
),
-- A row of the store counts once, also where Open Library has several records of its book.
author_sales AS (
    SELECT author_key, sum(units_sold)::BIGINT AS units_sold
    FROM (
        SELECT DISTINCT
            author_books.author_key, works_in_store.row, greatest(0, works_in_store.units_sold) AS units_sold
        FROM author_books
        JOIN works_in_store USING (work_key)
        WHERE works_in_store.decision = 'yes'
    )
    GROUP BY author_key
),
work_authors AS (
    SELECT
        author_books.work_key,
        list(authors.author_name ORDER BY author_books.author_position)
            FILTER (WHERE authors.author_name IS NOT NULL) AS names,
        max(authors.book_count) AS books,
        coalesce(max(author_sales.units_sold - coalesce(store.units_sold, 0)), 0) AS others_sold
    FROM author_books
    JOIN authors USING (author_key)
    LEFT JOIN author_sales USING (author_key)
    LEFT JOIN store USING (work_key)
    GROUP BY author_books.work_key
),
criteria AS (
    SELECT
        counted.*,
        coalesce(work_authors.names, []) AS author_names,
        work_authors.books AS author_books,
        work_authors.others_sold,
        round(
            (
                coalesce(4 * ln(1 + wanted) / most_wanted, 0)
                + coalesce(3 * ln(1 + readers) / most_readers, 0)
                + coalesce(2 * ln(1 + editions) / most_editions, 0)
                + coalesce(((10 * mean_rating + coalesce(stars, 0)) / (10 + coalesce(votes, 0)) - 1) / 4, 0)
                * has_document::BIGINT
            )
            / nullif(
                7 * has_document::BIGINT
                + 2 * (editions IS NOT NULL)::BIGINT
                + (has_document AND mean_rating IS NOT NULL)::BIGINT,
                0
            ),
            4
        ) AS demand,
        round(least(1, greatest(0, 1 - (this_year - counted.year) / 50)), 4) AS recency_of_dated,
        CASE WHEN counted.year IS NOT NULL THEN recency_of_dated END AS recency,
        round(
            greatest(
                ln(1 + work_authors.books) / most_books,
                ln(1 + others_sold) / ln(1 + greatest(1, max(others_sold) OVER ()))
            ),
            4
        ) AS author,
        CASE ebook_access WHEN 'public' THEN 0e0 WHEN 'borrowable' THEN 0.5e0 ELSE 1e0 END AS no_free_of_known,
        CASE WHEN ebook_access IS NOT NULL THEN no_free_of_known END AS no_free,
        readers_are_known
    FROM counted
    CROSS JOIN subject
    LEFT JOIN work_authors USING (work_key)
),
scored AS (
    SELECT
        criteria.*,
        coalesce(
            round(
                (
                    coalesce(asked.demand * criteria.demand, 0)
                    + coalesce(asked.recency * criteria.recency, 0)
                    + coalesce(asked.author * criteria.author, 0)
                    + coalesce(asked.no_free * criteria.no_free, 0)
                )
                / nullif(
                    asked.demand * (criteria.demand IS NOT NULL)::BIGINT
                    + asked.recency * (criteria.recency IS NOT NULL)::BIGINT
                    + asked.author * (criteria.author IS NOT NULL)::BIGINT
                    + asked.no_free * (criteria.no_free IS NOT NULL)::BIGINT,
                    0
                ),
                4
            ),
            0
        ) AS score,
        asked.store_is_set = 1 AS store_is_set
    FROM criteria
    CROSS JOIN asked
),
likely AS (
    SELECT work_key, into_work_key FROM possible_duplicate_books WHERE score >= 0.6
),
chains AS (
    SELECT work_key, into_work_key AS root FROM likely
    UNION ALL
    SELECT chains.work_key, likely.into_work_key
    FROM chains
    JOIN likely ON likely.work_key = chains.root
),
roots AS (
    SELECT chains.work_key, chains.root
    FROM chains
    ANTI JOIN likely ON likely.work_key = chains.root
),
ranked AS (
    SELECT
        scored.*,
        row_number() OVER (ORDER BY scored.score DESC, scored.work_key) AS rank,
        coalesce(roots.root, scored.work_key) AS book,
        coalesce(store.is_sold, false) AS is_sold,
        coalesce(store.may_be_sold, false) AS may_be_sold
    FROM scored
    LEFT JOIN roots USING (work_key)
    LEFT JOIN store USING (work_key)
),
placed AS (
    SELECT
        *,
        nullif(arg_min(work_key, rank) OVER (PARTITION BY book), work_key) AS duplicate_of,
        CASE
            WHEN NOT store_is_set THEN NULL
            WHEN is_sold THEN 'yes'
            WHEN may_be_sold OR bool_or(is_sold) OVER (PARTITION BY book) THEN 'review'
            ELSE 'no'
        END AS in_store
    FROM ranked
),
said AS (
    SELECT
        *,
        CASE
            WHEN has_document THEN concat_ws(
                ', ',
                CASE wanted
                    WHEN 0 THEN 'wanted by nobody'
                    WHEN 1 THEN 'wanted by 1 reader'
                    ELSE format('wanted by {:,} readers', wanted)
                END,
                CASE readers WHEN 0 THEN 'read by nobody' ELSE format('read by {:,}', readers) END,
                coalesce(format('rated {:.1f} of 5 by {:,}', round(stars / votes, 1), votes), 'not rated')
            )
        END AS of_readers,
        CASE editions
            WHEN 1 THEN '1 edition'
            ELSE coalesce(format('{:,} editions', editions), 'editions unknown')
        END AS of_editions,
        CASE
            WHEN has_document THEN NULL
            WHEN readers_are_known THEN ' (nothing is known of its readers)'
            ELSE ' (demand by editions only: nothing is known of readers)'
        END AS of_what_is_missing,
        coalesce('first published in ' || year, 'year unknown') AS of_year,
        CASE author_books
            WHEN 1 THEN 'its author has no other book here'
            ELSE coalesce(format('its author has {:,} books here', author_books), 'no author listed')
        END AS of_author,
        CASE WHEN others_sold > 0 THEN format('the store sold {:,} of the author''s other books', others_sold) END AS of_sales,
        CASE no_free
            WHEN 0 THEN 'a free e-book exists'
            WHEN 0.5 THEN 'an e-book can be borrowed'
            WHEN 1 THEN 'no free e-book'
        END AS of_ebooks,
        CASE
            WHEN in_store = 'yes' THEN 'the store sells it'
            WHEN in_store = 'no' THEN 'the store does not sell it'
            WHEN may_be_sold THEN 'the store may sell it'
            WHEN in_store = 'review' THEN 'the store sells what may be the same book'
        END AS of_store,
        'may be the same book as ' || duplicate_of AS of_duplicate
    FROM placed
)
SELECT
    rank,
    work_key,
    title,
    author_names,
    year,
    languages,
    demand,
    recency,
    author,
    no_free,
    score,
    in_store,
    duplicate_of,
    concat_ws(
        '; ',
        concat(
            upper(left(coalesce(of_readers, of_editions), 1)),
            substr(concat_ws(', ', of_readers, of_editions || coalesce(of_what_is_missing, '')), 2)
        ),
        of_year,
        of_author,
        of_sales,
        of_ebooks,
        of_store,
        of_duplicate
    ) || '.' AS reason
FROM said
ORDER BY rank
