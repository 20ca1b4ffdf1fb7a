-- One row is a line of the file of editions: what is wanted of its record, or why it cannot be used.
--
-- An edition without a work is one itself, with authors and subjects of its own, but without people, places and times,
-- which Open Library does not take from it (openlibrary/solr/updater/work.py).
WITH parsed AS (
    SELECT line, line_text, type, key, edition_record(record) AS record, starts_with(ltrim(record), '{') AS is_object
    FROM lines
),
judged AS (
    SELECT
        *,
        CASE
            WHEN type <> '/type/edition' THEN 'type is not /type/edition'
            WHEN NOT regexp_full_match(key, '/books/OL[0-9]+M') THEN 'not the key of an edition'
            WHEN record IS NULL OR NOT is_object THEN 'not a JSON object'
        END AS reason,
        coalesce(
            list_filter(record.works, lambda work: regexp_full_match(work.key, '/works/OL[0-9]+W')), []
        ) AS works
    FROM parsed
),
filed AS (
    SELECT
        *,
        array_length(works) = 0 AS is_orphan,
        stripped(record.number_of_pages) AS pages,
        nullif(year_digits(record.publish_date), '') AS year_digits,
        listed_isbns(record.isbn_10, record.isbn_13) AS isbns
    FROM judged
)
SELECT
    line,
    reason,
    CASE WHEN reason IS NOT NULL THEN line_text END AS line_text,
    substr(key, 1 + length('/books/')) AS edition_key,
    list_distinct(list_transform(works, lambda work: substr(work.key, 1 + length('/works/')))) AS work_keys,
    record.title AS title,
    CASE WHEN array_length(isbns) > 1 THEN list_sort(list_distinct(isbns)) ELSE isbns END AS isbn13,
    listed_texts(record.publishers) AS publishers,
    listed_texts(list_transform(record.languages, lambda language: language_code(language))) AS languages,
    nullif(record.physical_format, '') AS format,
    -- As Open Library takes no pages for an unknown number (openlibrary/solr/updater/edition.py).
    CASE WHEN regexp_full_match(pages, '[0-9]{1,9}') THEN nullif(try_cast(pages AS BIGINT), 0) END AS pages,
    record.publish_date AS publish_date,
    year_of_digits(year_digits) AS publish_year,
    first_cover(record.covers) AS cover_id,
    CASE
        WHEN is_orphan THEN bare_author_keys(list_transform(record.authors, lambda author: author.key))
    END AS author_keys,
    CASE WHEN is_orphan THEN listed_texts(record.subjects) END AS subjects
FROM filed
