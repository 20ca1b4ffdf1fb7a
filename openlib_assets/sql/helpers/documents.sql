-- Helpers for reading what the search says of works; no table of their own.

-- One row is a search document: what it says, null for what it does not, and how many of its fields cannot be read.
CREATE OR REPLACE TEMP TABLE documents AS
WITH parsed AS (
    SELECT
        work_key,
        from_json(
            fit_for_parsing(payload),
            '{
                "subtitle": "JSON",
                "language": "JSON",
                "publisher": "JSON",
                "format": "JSON",
                "number_of_pages_median": "JSON",
                "ratings_average": "JSON",
                "ratings_count": "JSON",
                "want_to_read_count": "JSON",
                "currently_reading_count": "JSON",
                "already_read_count": "JSON",
                "ebook_access": "JSON",
                "isbn": "JSON"
            }'
        ) AS field
    FROM raw_details
),
typed AS (
    SELECT
        work_key,
        field,
        text_field(field.subtitle) AS subtitle,
        texts_field(field.language) AS languages,
        texts_field(field.publisher) AS publishers,
        texts_field(field.format) AS formats,
        count_field(field.number_of_pages_median) AS pages_median,
        number_field(field.ratings_average) AS ratings_average,
        count_field(field.ratings_count) AS ratings_count,
        count_field(field.want_to_read_count) AS want_to_read,
        count_field(field.currently_reading_count) AS currently_reading,
        count_field(field.already_read_count) AS already_read,
        text_field(field.ebook_access) AS ebook_access
    FROM parsed
)
SELECT
    * EXCLUDE (field),
    is_odd(field.subtitle, subtitle)
    + is_odd(field.language, languages)
    + is_odd(field.publisher, publishers)
    + is_odd(field.format, formats)
    + is_odd(field.number_of_pages_median, pages_median)
    + is_odd(field.ratings_average, ratings_average)
    + is_odd(field.ratings_count, ratings_count)
    + is_odd(field.want_to_read_count, want_to_read)
    + is_odd(field.currently_reading_count, currently_reading)
    + is_odd(field.already_read_count, already_read)
    + is_odd(field.ebook_access, ebook_access)
    + (coalesce(json_type(field.isbn), 'NULL') NOT IN ('ARRAY', 'NULL'))::INTEGER AS odd_fields
FROM typed;
