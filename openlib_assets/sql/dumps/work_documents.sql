-- One row is a work with all that is known of it, and with what Open Library's API would say: `payload` as the Subjects
-- API, `document` as the search, for those that have a subject. Whether there is a scan to read, a dump does not say.
WITH grouped AS (
    SELECT
        work_key,
        count(*) AS edition_count,
        min(publish_year) AS first_publish_year,
        arg_min(title, edition_key) FILTER (WHERE title <> '') AS title,
        arg_min(cover_id, edition_key) AS cover_id,
        ceil(median(pages))::BIGINT AS pages_median,
        list_sort(
            list({
                'edition_key': edition_key,
                'languages': languages,
                'publishers': publishers,
                'format': format,
                'isbn13': isbn13
            })
        ) AS editions
    FROM catalogue_editions
    GROUP BY work_key
),
counted AS (
    SELECT
        *,
        flatten(list_transform(editions, lambda edition: edition.languages)) AS languages,
        flatten(list_transform(editions, lambda edition: edition.publishers)) AS publishers,
        listed_texts(list_transform(editions, lambda edition: edition.format)) AS formats,
        flatten(list_transform(editions, lambda edition: edition.isbn13)) AS isbn13
    FROM grouped
),
placed AS (
    SELECT work_key, list_sort(list({'place': place, 'author_key': author_key, 'name': name})) AS authors
    FROM work_authors
    GROUP BY work_key
),
named AS (
    SELECT
        work_key,
        list_transform(authors, lambda author: author.author_key) AS author_keys,
        list_transform(authors, lambda author: author.name) AS author_names,
        list_transform(
            authors, lambda author: {'key': '/authors/' || author.author_key, 'name': author.name}
        ) AS authors
    FROM placed
),
keyed AS (
    SELECT
        *,
        index_keys('', subjects)
        || CASE WHEN array_length(people) > 0 THEN index_keys('person:', people) ELSE [] END
        || CASE WHEN array_length(places) > 0 THEN index_keys('place:', places) ELSE [] END
        || CASE WHEN array_length(times) > 0 THEN index_keys('time:', times) ELSE [] END AS subject_keys
    FROM work_records
),
joined AS (
    SELECT
        work_key,
        coalesce(nullif(keyed.title, ''), counted.title) AS title,
        keyed.subtitle,
        counted.first_publish_year,
        coalesce(counted.edition_count, 0) AS edition_count,
        coalesce(keyed.cover_id, counted.cover_id) AS cover_id,
        keyed.subjects,
        coalesce(named.author_keys, []) AS author_keys,
        coalesce(named.author_names, []) AS author_names,
        coalesce(named.authors, []) AS authors,
        counted.languages,
        counted.publishers,
        counted.formats,
        counted.pages_median,
        counted.isbn13,
        catalogue_demand.ratings_average,
        catalogue_demand.ratings_count,
        catalogue_demand.want_to_read,
        catalogue_demand.currently_reading,
        catalogue_demand.already_read,
        first_of_each(keyed.subject_keys) AS subject_keys
    FROM keyed
    LEFT JOIN counted USING (work_key)
    LEFT JOIN named USING (work_key)
    LEFT JOIN catalogue_demand USING (work_key)
)
SELECT
    work_key,
    title,
    first_publish_year,
    CASE
        WHEN first_publish_year IS NULL THEN 'missing'
        WHEN first_publish_year > 1000 AND first_publish_year <= (SELECT year FROM dump) + 1 THEN 'ok'
        ELSE 'implausible'
    END AS year_status,
    edition_count,
    array_length(first_of_each(author_keys)) AS author_count,
    NULL::BOOLEAN AS has_fulltext,
    cover_id,
    subjects,
    author_keys,
    author_names,
    subject_keys,
    CASE WHEN array_length(subject_keys) > 0 THEN
        to_json({
            'key': '/works/' || work_key,
            'title': coalesce(title, '__None__'),
            'edition_count': edition_count,
            'cover_id': cover_id,
            'subject': subjects,
            'authors': authors,
            'first_publish_year': first_publish_year,
            'has_fulltext': NULL::BOOLEAN
        })::VARCHAR
    END AS payload,
    CASE WHEN array_length(subject_keys) > 0 THEN
        to_json({
            'key': '/works/' || work_key,
            'subtitle': subtitle,
            'language': first_of_each(languages),
            'publisher': first_of_each(publishers),
            'number_of_pages_median': pages_median,
            'format': first_of_each(formats),
            'ratings_average': coalesce(ratings_average, 0),
            'ratings_count': coalesce(ratings_count, 0),
            'want_to_read_count': coalesce(want_to_read, 0),
            'currently_reading_count': coalesce(currently_reading, 0),
            'already_read_count': coalesce(already_read, 0),
            'cover_i': cover_id,
            'isbn': first_of_each(isbn13)
        })::VARCHAR
    END AS document
FROM joined
ORDER BY work_key
