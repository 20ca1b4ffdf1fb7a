-- Made from openlib_assets/lake/contract/warehouse.py by `make docs`; docs/warehouses.md says how to run it.
-- Change VERSION to the version that is current, and s3://bucket/prefix and the role to yours.

CREATE SCHEMA IF NOT EXISTS openlib;

CREATE TABLE IF NOT EXISTS openlib.subjects (
    subject VARCHAR(65535) NOT NULL,
    kind VARCHAR(65535) NOT NULL,
    name VARCHAR(65535) NOT NULL,
    works_reported BIGINT NOT NULL,
    works BIGINT NOT NULL,
    works_rejected BIGINT NOT NULL,
    works_dated BIGINT NOT NULL,
    works_year_missing BIGINT NOT NULL,
    works_year_implausible BIGINT NOT NULL,
    works_without_author BIGINT NOT NULL,
    authors BIGINT NOT NULL,
    first_year BIGINT,
    last_year BIGINT,
    fetched_at TIMESTAMP NOT NULL,
    source VARCHAR(65535) NOT NULL,
    proven_by VARCHAR(65535),
    window_seconds BIGINT,
    PRIMARY KEY (subject)
);

CREATE TABLE IF NOT EXISTS openlib.works (
    work_key VARCHAR(65535) NOT NULL,
    title VARCHAR(65535),
    first_publish_year BIGINT,
    year_status VARCHAR(65535) NOT NULL,
    edition_count BIGINT,
    author_count BIGINT NOT NULL,
    has_fulltext BOOLEAN,
    cover_id BIGINT,
    subjects SUPER NOT NULL,
    subtitle VARCHAR(65535),
    languages SUPER,
    publishers SUPER,
    formats SUPER,
    pages_median BIGINT,
    ratings_average DOUBLE PRECISION,
    ratings_count BIGINT,
    want_to_read BIGINT,
    currently_reading BIGINT,
    already_read BIGINT,
    ebook_access VARCHAR(65535),
    isbn_count BIGINT,
    isbn13 VARCHAR(65535),
    fetched_for VARCHAR(65535) NOT NULL,
    fetched_at TIMESTAMP NOT NULL,
    PRIMARY KEY (work_key)
);

CREATE TABLE IF NOT EXISTS openlib.work_subjects (
    subject VARCHAR(65535) NOT NULL,
    work_key VARCHAR(65535) NOT NULL,
    PRIMARY KEY (subject, work_key)
);

CREATE TABLE IF NOT EXISTS openlib.authors (
    author_key VARCHAR(65535) NOT NULL,
    author_name VARCHAR(65535),
    book_count BIGINT NOT NULL,
    first_year BIGINT,
    last_year BIGINT,
    PRIMARY KEY (author_key)
);

CREATE TABLE IF NOT EXISTS openlib.work_authors (
    author_key VARCHAR(65535) NOT NULL,
    work_key VARCHAR(65535) NOT NULL,
    author_position BIGINT NOT NULL,
    listed_name VARCHAR(65535),
    PRIMARY KEY (author_key, work_key)
);

CREATE TABLE IF NOT EXISTS openlib.work_isbns (
    work_key VARCHAR(65535) NOT NULL,
    isbn13 VARCHAR(65535) NOT NULL,
    PRIMARY KEY (work_key, isbn13)
);

CREATE TABLE IF NOT EXISTS openlib.author_yearly_counts (
    author_key VARCHAR(65535) NOT NULL,
    author_name VARCHAR(65535),
    year BIGINT NOT NULL,
    book_count BIGINT NOT NULL,
    PRIMARY KEY (author_key, year)
);

CREATE TABLE IF NOT EXISTS openlib.author_averages (
    author_key VARCHAR(65535) NOT NULL,
    author_name VARCHAR(65535),
    book_count BIGINT NOT NULL,
    dated_book_count BIGINT NOT NULL,
    first_year BIGINT,
    last_year BIGINT,
    active_years BIGINT NOT NULL,
    span_years BIGINT,
    avg_books_per_active_year DOUBLE PRECISION,
    avg_books_per_calendar_year DOUBLE PRECISION,
    PRIMARY KEY (author_key)
);

CREATE TABLE IF NOT EXISTS openlib.subject_author_yearly_counts (
    subject VARCHAR(65535) NOT NULL,
    author_key VARCHAR(65535) NOT NULL,
    author_name VARCHAR(65535),
    year BIGINT NOT NULL,
    book_count BIGINT NOT NULL,
    PRIMARY KEY (subject, author_key, year)
);

CREATE TABLE IF NOT EXISTS openlib.stocking_list (
    subject VARCHAR(65535) NOT NULL,
    rank BIGINT NOT NULL,
    work_key VARCHAR(65535) NOT NULL,
    title VARCHAR(65535),
    author_names SUPER NOT NULL,
    year BIGINT,
    languages SUPER,
    demand DOUBLE PRECISION,
    recency DOUBLE PRECISION,
    author DOUBLE PRECISION,
    no_free DOUBLE PRECISION,
    score DOUBLE PRECISION NOT NULL,
    in_store VARCHAR(65535),
    duplicate_of VARCHAR(65535),
    reason VARCHAR(65535) NOT NULL,
    PRIMARY KEY (subject, rank)
);

CREATE TABLE IF NOT EXISTS openlib.order_list (
    subject VARCHAR(65535) NOT NULL,
    rank BIGINT NOT NULL,
    work_key VARCHAR(65535) NOT NULL,
    edition_key VARCHAR(65535),
    isbn13 VARCHAR(65535),
    title VARCHAR(65535),
    author_names SUPER NOT NULL,
    publisher VARCHAR(65535),
    publish_date VARCHAR(65535),
    language VARCHAR(65535),
    score DOUBLE PRECISION NOT NULL,
    reason VARCHAR(65535) NOT NULL,
    PRIMARY KEY (subject, rank)
);

CREATE TABLE IF NOT EXISTS openlib.subject_history (
    subject VARCHAR(65535) NOT NULL,
    "snapshot" VARCHAR(65535) NOT NULL,
    fetched_at TIMESTAMP NOT NULL,
    works BIGINT NOT NULL,
    works_dated BIGINT NOT NULL,
    works_added BIGINT,
    works_removed BIGINT,
    PRIMARY KEY (subject, "snapshot")
);

BEGIN;

DELETE FROM openlib.subjects;

COPY openlib.subjects
FROM 's3://bucket/prefix/warehouse/VERSION/subjects/part-0.parquet'
IAM_ROLE 'arn:aws:iam::123456789012:role/openlib'
FORMAT AS PARQUET;

DELETE FROM openlib.works;

COPY openlib.works
FROM 's3://bucket/prefix/warehouse/VERSION/works/part-0.parquet'
IAM_ROLE 'arn:aws:iam::123456789012:role/openlib'
FORMAT AS PARQUET SERIALIZETOJSON;

DELETE FROM openlib.work_subjects;

COPY openlib.work_subjects
FROM 's3://bucket/prefix/warehouse/VERSION/work_subjects/part-0.parquet'
IAM_ROLE 'arn:aws:iam::123456789012:role/openlib'
FORMAT AS PARQUET;

DELETE FROM openlib.authors;

COPY openlib.authors
FROM 's3://bucket/prefix/warehouse/VERSION/authors/part-0.parquet'
IAM_ROLE 'arn:aws:iam::123456789012:role/openlib'
FORMAT AS PARQUET;

DELETE FROM openlib.work_authors;

COPY openlib.work_authors
FROM 's3://bucket/prefix/warehouse/VERSION/work_authors/part-0.parquet'
IAM_ROLE 'arn:aws:iam::123456789012:role/openlib'
FORMAT AS PARQUET;

DELETE FROM openlib.work_isbns;

COPY openlib.work_isbns
FROM 's3://bucket/prefix/warehouse/VERSION/work_isbns/part-0.parquet'
IAM_ROLE 'arn:aws:iam::123456789012:role/openlib'
FORMAT AS PARQUET;

DELETE FROM openlib.author_yearly_counts;

COPY openlib.author_yearly_counts
FROM 's3://bucket/prefix/warehouse/VERSION/author_yearly_counts/part-0.parquet'
IAM_ROLE 'arn:aws:iam::123456789012:role/openlib'
FORMAT AS PARQUET;

DELETE FROM openlib.author_averages;

COPY openlib.author_averages
FROM 's3://bucket/prefix/warehouse/VERSION/author_averages/part-0.parquet'
IAM_ROLE 'arn:aws:iam::123456789012:role/openlib'
FORMAT AS PARQUET;

DELETE FROM openlib.subject_author_yearly_counts;

COPY openlib.subject_author_yearly_counts
FROM 's3://bucket/prefix/warehouse/VERSION/subject_author_yearly_counts/part-0.parquet'
IAM_ROLE 'arn:aws:iam::123456789012:role/openlib'
FORMAT AS PARQUET;

DELETE FROM openlib.stocking_list;

COPY openlib.stocking_list
FROM 's3://bucket/prefix/warehouse/VERSION/stocking_list/part-0.parquet'
IAM_ROLE 'arn:aws:iam::123456789012:role/openlib'
FORMAT AS PARQUET SERIALIZETOJSON;

DELETE FROM openlib.order_list;

COPY openlib.order_list
FROM 's3://bucket/prefix/warehouse/VERSION/order_list/part-0.parquet'
IAM_ROLE 'arn:aws:iam::123456789012:role/openlib'
FORMAT AS PARQUET SERIALIZETOJSON;

DELETE FROM openlib.subject_history;

COPY openlib.subject_history
FROM 's3://bucket/prefix/warehouse/VERSION/subject_history/part-0.parquet'
IAM_ROLE 'arn:aws:iam::123456789012:role/openlib'
FORMAT AS PARQUET;

COMMIT;
