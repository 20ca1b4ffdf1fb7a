-- Made from openlib_assets/lake/contract/warehouse.py by `make docs`; docs/warehouses.md says how to run it.
-- Change VERSION to the version that is current, and s3://bucket/prefix and the storage integration to yours.

CREATE SCHEMA IF NOT EXISTS openlib;

CREATE STAGE IF NOT EXISTS openlib.files
    URL = 's3://bucket/prefix/'
    STORAGE_INTEGRATION = openlib;

CREATE TABLE IF NOT EXISTS openlib.subjects (
    subject VARCHAR NOT NULL COMMENT 'Open Library''s key of the subject, such as science_fiction or place:france.',
    kind VARCHAR NOT NULL COMMENT '`subject`, `place`, `person` or `time`: what the key begins with.',
    name VARCHAR NOT NULL COMMENT 'The key as people write it, without its kind.',
    works_reported NUMBER(38, 0) NOT NULL COMMENT 'Works that Open Library listed, or counted, in proof of the fetch.',
    works NUMBER(38, 0) NOT NULL COMMENT 'Works that can be used: rows of `books`.',
    works_rejected NUMBER(38, 0) NOT NULL COMMENT 'Works whose record cannot be used: rows of `rejected_works`.',
    works_dated NUMBER(38, 0) NOT NULL COMMENT 'Works whose year has status `ok`.',
    works_year_missing NUMBER(38, 0) NOT NULL COMMENT 'Works without a year.',
    works_year_implausible NUMBER(38, 0) NOT NULL COMMENT 'Works whose year is implausible.',
    works_without_author NUMBER(38, 0) NOT NULL COMMENT 'Works that list no author.',
    authors NUMBER(38, 0) NOT NULL COMMENT 'Distinct authors.',
    first_year NUMBER(38, 0) COMMENT 'First year of dated works; null without one.',
    last_year NUMBER(38, 0) COMMENT 'Last year of dated works; null without one.',
    fetched_at TIMESTAMP_TZ NOT NULL COMMENT 'When the fetch of the snapshot ended.',
    source VARCHAR NOT NULL COMMENT 'Where the snapshot was fetched from (URL).',
    proven_by VARCHAR COMMENT 'What the works read were compared with: `list of keys`, or a `second reading of the pages`; null for a snapshot of an earlier release.',
    window_seconds NUMBER(38, 0) COMMENT '0: the works are those of one moment. Otherwise each was listed at some time within so many seconds; null for a snapshot of an earlier release.',
    PRIMARY KEY (subject)
)
COMMENT = 'One row is a subject that is fetched. It tells what the other tables are over, how large each subject is and how fresh.';

CREATE TABLE IF NOT EXISTS openlib.works (
    work_key VARCHAR NOT NULL COMMENT 'Open Library''s key of the work, such as OL27448W. That of an orphaned edition ends in M.',
    title VARCHAR COMMENT 'Title; null where Open Library has none (it sends `__None__`).',
    first_publish_year NUMBER(38, 0) COMMENT 'Earliest year among the work''s editions; never corrected.',
    year_status VARCHAR NOT NULL COMMENT '`ok`: 1000 < year <= year of the snapshot + 1, Open Library''s own rule in its publishing history; `missing`: no year; `implausible`: any other year. Only `ok` years are counted.',
    edition_count NUMBER(38, 0) COMMENT 'Editions that Open Library knows of the work.',
    author_count NUMBER(38, 0) NOT NULL COMMENT 'Distinct authors listed on the work.',
    has_fulltext BOOLEAN COMMENT 'Whether Open Library has a scan of some edition.',
    cover_id NUMBER(38, 0) COMMENT 'Number of the cover image; null without one, also sent as -1 or 0.',
    subjects ARRAY NOT NULL COMMENT 'Subjects as editors typed them, in their order and with repeats; an empty list if there are none.',
    subtitle VARCHAR COMMENT 'Subtitle; null without one.',
    languages ARRAY COMMENT 'Three-letter codes of the languages of its editions, in the order received; empty if there are none, null where the search does not know the work.',
    publishers ARRAY COMMENT 'Publishers of its editions, as editors typed them, in the order received; empty if there are none, null where the search does not know the work.',
    formats ARRAY COMMENT 'Formats of its editions, as editors typed them, in the order received; empty if there are none, null where the search does not know the work.',
    pages_median NUMBER(38, 0) COMMENT 'Median of the pages of its editions; null if unknown.',
    ratings_average FLOAT COMMENT 'Mean of its ratings, from 1 to 5; null when nobody rated.',
    ratings_count NUMBER(38, 0) COMMENT 'People who rated it; 0 is a count, null where the search says nothing.',
    want_to_read NUMBER(38, 0) COMMENT 'People who want to read it; 0 is a count, null where the search says nothing.',
    currently_reading NUMBER(38, 0) COMMENT 'People who are reading it; 0 is a count, null where the search says nothing.',
    already_read NUMBER(38, 0) COMMENT 'People who have read it; 0 is a count, null where the search says nothing.',
    ebook_access VARCHAR COMMENT 'The most that a reader gets of an e-book, in Open Library''s words: `no_ebook`, `unclassified`, `printdisabled`, `borrowable` or `public`.',
    isbn_count NUMBER(38, 0) COMMENT 'Rows of `work_isbns`; null where the search does not know the work.',
    isbn13 VARCHAR COMMENT 'The ISBN to find it by: that of the edition to order, if the subject''s order list has one, else the smallest; null without any.',
    fetched_for VARCHAR NOT NULL COMMENT 'The subject whose fetch the row is of: the last of those that list it.',
    fetched_at TIMESTAMP_TZ NOT NULL COMMENT 'When the fetch ended that the row is of.',
    PRIMARY KEY (work_key)
)
COMMENT = 'One row is a work, however many subjects list it. The list of all books, each once, as the subject saw it that was fetched last, with what the search says.';

CREATE TABLE IF NOT EXISTS openlib.work_subjects (
    subject VARCHAR NOT NULL COMMENT 'Open Library''s key of the subject, such as science_fiction or place:france.',
    work_key VARCHAR NOT NULL COMMENT 'Open Library''s key of the work, such as OL27448W. That of an orphaned edition ends in M.',
    PRIMARY KEY (subject, work_key)
)
COMMENT = 'One row is a subject of a work, of the subjects that are fetched. It joins works and subjects.';

CREATE TABLE IF NOT EXISTS openlib.authors (
    author_key VARCHAR NOT NULL COMMENT 'Open Library''s key of the author, such as OL26320A.',
    author_name VARCHAR COMMENT 'The author''s most frequent non-blank name among their works of all subjects, one vote per work; ties go to the smallest by code point. Null if every name is blank.',
    book_count NUMBER(38, 0) NOT NULL COMMENT 'Works of all subjects that list the author, dated or not.',
    first_year NUMBER(38, 0) COMMENT 'First year of the author''s dated works; null without one.',
    last_year NUMBER(38, 0) COMMENT 'Last year of the author''s dated works; null without one.',
    PRIMARY KEY (author_key)
)
COMMENT = 'One row is an author with at least one work in any subject. It tells who writes, how much, and from when to when: each author once, under one name.';

CREATE TABLE IF NOT EXISTS openlib.work_authors (
    author_key VARCHAR NOT NULL COMMENT 'Open Library''s key of the author, such as OL26320A.',
    work_key VARCHAR NOT NULL COMMENT 'Open Library''s key of the work, such as OL27448W. That of an orphaned edition ends in M.',
    author_position NUMBER(38, 0) NOT NULL COMMENT 'The author''s place in the list as received, from 1; the first one if the author is listed twice.',
    listed_name VARCHAR COMMENT 'The author''s name as the work lists it; may be null or blank.',
    PRIMARY KEY (author_key, work_key)
)
COMMENT = 'One row is an author of a work. It joins works and authors.';

CREATE TABLE IF NOT EXISTS openlib.work_isbns (
    work_key VARCHAR NOT NULL COMMENT 'Open Library''s key of the work, such as OL27448W. That of an orphaned edition ends in M.',
    isbn13 VARCHAR NOT NULL COMMENT 'ISBN-13: 13 digits, the last checked; an ISBN-10 was turned into one. Other works may have it, too.',
    PRIMARY KEY (work_key, isbn13)
)
COMMENT = 'One row is an ISBN-13 of a work. It finds a work by any of its ISBNs; one that several works claim is kept with each.';

CREATE TABLE IF NOT EXISTS openlib.author_yearly_counts (
    author_key VARCHAR NOT NULL COMMENT 'Open Library''s key of the author, such as OL26320A.',
    author_name VARCHAR COMMENT 'The author''s most frequent non-blank name among their works of all subjects, one vote per work; ties go to the smallest by code point. Null if every name is blank.',
    year NUMBER(38, 0) NOT NULL COMMENT 'Year of first publication; only years with status `ok`.',
    book_count NUMBER(38, 0) NOT NULL COMMENT 'Distinct works of the author first published in that year.',
    PRIMARY KEY (author_key, year)
)
COMMENT = 'One row is an author and a year in which they have at least one book. It answers how many books each author published in each year, over the works of all subjects, each once.';

CREATE TABLE IF NOT EXISTS openlib.author_averages (
    author_key VARCHAR NOT NULL COMMENT 'Open Library''s key of the author, such as OL26320A.',
    author_name VARCHAR COMMENT 'The author''s most frequent non-blank name among their works of all subjects, one vote per work; ties go to the smallest by code point. Null if every name is blank.',
    book_count NUMBER(38, 0) NOT NULL COMMENT 'Works of all subjects that list the author, dated or not.',
    dated_book_count NUMBER(38, 0) NOT NULL COMMENT 'How many of them have a year with status `ok`.',
    first_year NUMBER(38, 0) COMMENT 'First year of the author''s dated works; null without one.',
    last_year NUMBER(38, 0) COMMENT 'Last year of the author''s dated works; null without one.',
    active_years NUMBER(38, 0) NOT NULL COMMENT 'Years in which the author has at least one dated work.',
    span_years NUMBER(38, 0) COMMENT 'last_year - first_year + 1; null without a dated work.',
    avg_books_per_active_year FLOAT COMMENT 'dated_book_count / active_years: works per year with a work; null without a dated work.',
    avg_books_per_calendar_year FLOAT COMMENT 'dated_book_count / span_years: works per year, from the first to the last; null without a dated work.',
    PRIMARY KEY (author_key)
)
COMMENT = 'One row is an author. It answers how many books an author publishes a year on average, over all works, each once.';

CREATE TABLE IF NOT EXISTS openlib.subject_author_yearly_counts (
    subject VARCHAR NOT NULL COMMENT 'Open Library''s key of the subject, such as science_fiction or place:france.',
    author_key VARCHAR NOT NULL COMMENT 'Open Library''s key of the author, such as OL26320A.',
    author_name VARCHAR COMMENT 'The author''s most frequent non-blank name among their works of the subject, one vote per work; ties go to the smallest by code point. Null if every name is blank.',
    year NUMBER(38, 0) NOT NULL COMMENT 'Year of first publication; only years with status `ok`.',
    book_count NUMBER(38, 0) NOT NULL COMMENT 'Distinct works of the author first published in that year.',
    PRIMARY KEY (subject, author_key, year)
)
COMMENT = 'One row is an author and a year in which they have at least one book of a subject. It answers how many books of a subject each author published in each year.';

CREATE TABLE IF NOT EXISTS openlib.stocking_list (
    subject VARCHAR NOT NULL COMMENT 'Open Library''s key of the subject, such as science_fiction or place:france.',
    rank NUMBER(38, 0) NOT NULL COMMENT 'Place among the works of the subject, from 1, by score and then by key.',
    work_key VARCHAR NOT NULL COMMENT 'Open Library''s key of the work, such as OL27448W. That of an orphaned edition ends in M.',
    title VARCHAR COMMENT 'The work''s title, as in books.',
    author_names ARRAY NOT NULL COMMENT 'Names of the authors, as listed; an empty list without one.',
    year NUMBER(38, 0) COMMENT 'Year of first publication, if its status is `ok`.',
    languages ARRAY COMMENT 'Languages of its editions, as in work_details: an empty list if none is known, null if nothing is.',
    demand FLOAT COMMENT 'How much it is wanted, read, rated and reprinted, from 0 to 1.',
    recency FLOAT COMMENT '1 in the year of the fetch, 0 fifty years before; null without a year.',
    author FLOAT COMMENT 'Books here of its most productive author, or what the store sold of the author''s other books if that says more, from 0 to 1; null without an author.',
    no_free FLOAT COMMENT '0 if everybody can read an e-book, 0.5 if one can be borrowed, otherwise 1; null if it was not asked.',
    score FLOAT NOT NULL COMMENT 'The weighted mean of the criteria that are known, from 0 to 1; 0 without any.',
    in_store VARCHAR COMMENT 'Whether the store sells it: `yes`, `no`, or `review` where somebody has to look, because the match is not sure or the store sells what may be the same book; null without a store catalogue.',
    duplicate_of VARCHAR COMMENT 'The better-ranked work that is likely the same book (possible_duplicate_books, score 0.6 or more).',
    reason VARCHAR NOT NULL COMMENT 'Why it stands where it does, in one sentence.',
    PRIMARY KEY (subject, rank)
)
COMMENT = 'One row is a work of a subject, ranked by whether to stock it. For those who buy books: the stocking lists of all subjects; a work of several subjects stands in each.';

CREATE TABLE IF NOT EXISTS openlib.order_list (
    subject VARCHAR NOT NULL COMMENT 'Open Library''s key of the subject, such as science_fiction or place:france.',
    rank NUMBER(38, 0) NOT NULL COMMENT 'Place of the work in stocking_list; places of works that are not to order are left out.',
    work_key VARCHAR NOT NULL COMMENT 'Open Library''s key of the work, such as OL27448W. That of an orphaned edition ends in M.',
    edition_key VARCHAR COMMENT 'Open Library''s key of the edition to order, such as OL7353617M; null if none with an ISBN was found.',
    isbn13 VARCHAR COMMENT 'ISBN of the edition, in 13 digits.',
    title VARCHAR COMMENT 'Title of the edition; that of the work where no edition was found.',
    author_names ARRAY NOT NULL COMMENT 'Names of the authors, as listed; an empty list without one.',
    publisher VARCHAR COMMENT 'Publisher of the edition.',
    publish_date VARCHAR COMMENT 'When the edition was published, as Open Library has it.',
    language VARCHAR COMMENT 'Language of the edition, as a three-letter code.',
    score FLOAT NOT NULL COMMENT 'The weighted mean of the criteria that are known, from 0 to 1; 0 without any.',
    reason VARCHAR NOT NULL COMMENT 'Why the work stands where it does, and whether an edition was found.',
    PRIMARY KEY (subject, rank)
)
COMMENT = 'One row is an edition to order, for a subject. For those who order: the order lists of all subjects; a work of several subjects may stand in each.';

CREATE TABLE IF NOT EXISTS openlib.subject_history (
    subject VARCHAR NOT NULL COMMENT 'Open Library''s key of the subject, such as science_fiction or place:france.',
    snapshot VARCHAR NOT NULL COMMENT 'Name of the snapshot: the end of its fetch, in UTC (`YYYYMMDDTHHMMSSZ`).',
    fetched_at TIMESTAMP_TZ NOT NULL COMMENT 'When the fetch ended that the row is of.',
    works NUMBER(38, 0) NOT NULL COMMENT 'Works that could be used.',
    works_dated NUMBER(38, 0) NOT NULL COMMENT 'Works whose year had status `ok`.',
    works_added NUMBER(38, 0) COMMENT 'Works that the snapshot before did not have; null where there was none before that can be read.',
    works_removed NUMBER(38, 0) COMMENT 'Works that only the snapshot before had; null where there was none before that can be read.',
    PRIMARY KEY (subject, snapshot)
)
COMMENT = 'One row is a snapshot of a subject. It shows trends: how a subject grew and changed from one snapshot to the next. It keeps the rows of snapshots that have been pruned.';

BEGIN;

DELETE FROM openlib.subjects;

COPY INTO openlib.subjects
FROM @openlib.files/warehouse/VERSION/subjects/part-0.parquet
FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE USE_VECTORIZED_SCANNER = TRUE)
MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE
FORCE = TRUE;

DELETE FROM openlib.works;

COPY INTO openlib.works
FROM @openlib.files/warehouse/VERSION/works/part-0.parquet
FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE USE_VECTORIZED_SCANNER = TRUE)
MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE
FORCE = TRUE;

DELETE FROM openlib.work_subjects;

COPY INTO openlib.work_subjects
FROM @openlib.files/warehouse/VERSION/work_subjects/part-0.parquet
FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE USE_VECTORIZED_SCANNER = TRUE)
MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE
FORCE = TRUE;

DELETE FROM openlib.authors;

COPY INTO openlib.authors
FROM @openlib.files/warehouse/VERSION/authors/part-0.parquet
FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE USE_VECTORIZED_SCANNER = TRUE)
MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE
FORCE = TRUE;

DELETE FROM openlib.work_authors;

COPY INTO openlib.work_authors
FROM @openlib.files/warehouse/VERSION/work_authors/part-0.parquet
FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE USE_VECTORIZED_SCANNER = TRUE)
MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE
FORCE = TRUE;

DELETE FROM openlib.work_isbns;

COPY INTO openlib.work_isbns
FROM @openlib.files/warehouse/VERSION/work_isbns/part-0.parquet
FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE USE_VECTORIZED_SCANNER = TRUE)
MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE
FORCE = TRUE;

DELETE FROM openlib.author_yearly_counts;

COPY INTO openlib.author_yearly_counts
FROM @openlib.files/warehouse/VERSION/author_yearly_counts/part-0.parquet
FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE USE_VECTORIZED_SCANNER = TRUE)
MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE
FORCE = TRUE;

DELETE FROM openlib.author_averages;

COPY INTO openlib.author_averages
FROM @openlib.files/warehouse/VERSION/author_averages/part-0.parquet
FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE USE_VECTORIZED_SCANNER = TRUE)
MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE
FORCE = TRUE;

DELETE FROM openlib.subject_author_yearly_counts;

COPY INTO openlib.subject_author_yearly_counts
FROM @openlib.files/warehouse/VERSION/subject_author_yearly_counts/part-0.parquet
FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE USE_VECTORIZED_SCANNER = TRUE)
MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE
FORCE = TRUE;

DELETE FROM openlib.stocking_list;

COPY INTO openlib.stocking_list
FROM @openlib.files/warehouse/VERSION/stocking_list/part-0.parquet
FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE USE_VECTORIZED_SCANNER = TRUE)
MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE
FORCE = TRUE;

DELETE FROM openlib.order_list;

COPY INTO openlib.order_list
FROM @openlib.files/warehouse/VERSION/order_list/part-0.parquet
FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE USE_VECTORIZED_SCANNER = TRUE)
MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE
FORCE = TRUE;

DELETE FROM openlib.subject_history;

COPY INTO openlib.subject_history
FROM @openlib.files/warehouse/VERSION/subject_history/part-0.parquet
FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE USE_VECTORIZED_SCANNER = TRUE)
MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE
FORCE = TRUE;

COMMIT;
