-- Made from openlib_assets/lake/contract/warehouse.py by `make docs`; docs/warehouses.md says how to run it.
-- Change VERSION to the version that is current, and gs://bucket/prefix to yours.

CREATE SCHEMA IF NOT EXISTS openlib;

LOAD DATA OVERWRITE openlib.subjects (
    subject STRING NOT NULL OPTIONS (description = 'Open Library\'s key of the subject, such as science_fiction or place:france.'),
    kind STRING NOT NULL OPTIONS (description = '`subject`, `place`, `person` or `time`: what the key begins with.'),
    name STRING NOT NULL OPTIONS (description = 'The key as people write it, without its kind.'),
    works_reported INT64 NOT NULL OPTIONS (description = 'Works that Open Library listed, or counted, in proof of the fetch.'),
    works INT64 NOT NULL OPTIONS (description = 'Works that can be used: rows of `books`.'),
    works_rejected INT64 NOT NULL OPTIONS (description = 'Works whose record cannot be used: rows of `rejected_works`.'),
    works_dated INT64 NOT NULL OPTIONS (description = 'Works whose year has status `ok`.'),
    works_year_missing INT64 NOT NULL OPTIONS (description = 'Works without a year.'),
    works_year_implausible INT64 NOT NULL OPTIONS (description = 'Works whose year is implausible.'),
    works_without_author INT64 NOT NULL OPTIONS (description = 'Works that list no author.'),
    authors INT64 NOT NULL OPTIONS (description = 'Distinct authors.'),
    first_year INT64 OPTIONS (description = 'First year of dated works; null without one.'),
    last_year INT64 OPTIONS (description = 'Last year of dated works; null without one.'),
    fetched_at TIMESTAMP NOT NULL OPTIONS (description = 'When the fetch of the snapshot ended.'),
    source STRING NOT NULL OPTIONS (description = 'Where the snapshot was fetched from (URL).'),
    proven_by STRING OPTIONS (description = 'What the works read were compared with: `list of keys`, or a `second reading of the pages`; null for a snapshot of an earlier release.'),
    window_seconds INT64 OPTIONS (description = '0: the works are those of one moment. Otherwise each was listed at some time within so many seconds; null for a snapshot of an earlier release.')
)
FROM FILES (
    format = 'PARQUET',
    enable_list_inference = TRUE,
    uris = ['gs://bucket/prefix/warehouse/VERSION/subjects/part-0.parquet']
);

LOAD DATA OVERWRITE openlib.works (
    work_key STRING NOT NULL OPTIONS (description = 'Open Library\'s key of the work, such as OL27448W. That of an orphaned edition ends in M.'),
    title STRING OPTIONS (description = 'Title; null where Open Library has none (it sends `__None__`).'),
    first_publish_year INT64 OPTIONS (description = 'Earliest year among the work\'s editions; never corrected.'),
    year_status STRING NOT NULL OPTIONS (description = '`ok`: 1000 < year <= year of the snapshot + 1, Open Library\'s own rule in its publishing history; `missing`: no year; `implausible`: any other year. Only `ok` years are counted.'),
    edition_count INT64 OPTIONS (description = 'Editions that Open Library knows of the work.'),
    author_count INT64 NOT NULL OPTIONS (description = 'Distinct authors listed on the work.'),
    has_fulltext BOOL OPTIONS (description = 'Whether Open Library has a scan of some edition.'),
    cover_id INT64 OPTIONS (description = 'Number of the cover image; null without one, also sent as -1 or 0.'),
    subjects ARRAY<STRING> OPTIONS (description = 'Subjects as editors typed them, in their order and with repeats; an empty list if there are none.'),
    subtitle STRING OPTIONS (description = 'Subtitle; null without one.'),
    languages ARRAY<STRING> OPTIONS (description = 'Three-letter codes of the languages of its editions, in the order received; empty if there are none, null where the search does not know the work.'),
    publishers ARRAY<STRING> OPTIONS (description = 'Publishers of its editions, as editors typed them, in the order received; empty if there are none, null where the search does not know the work.'),
    formats ARRAY<STRING> OPTIONS (description = 'Formats of its editions, as editors typed them, in the order received; empty if there are none, null where the search does not know the work.'),
    pages_median INT64 OPTIONS (description = 'Median of the pages of its editions; null if unknown.'),
    ratings_average FLOAT64 OPTIONS (description = 'Mean of its ratings, from 1 to 5; null when nobody rated.'),
    ratings_count INT64 OPTIONS (description = 'People who rated it; 0 is a count, null where the search says nothing.'),
    want_to_read INT64 OPTIONS (description = 'People who want to read it; 0 is a count, null where the search says nothing.'),
    currently_reading INT64 OPTIONS (description = 'People who are reading it; 0 is a count, null where the search says nothing.'),
    already_read INT64 OPTIONS (description = 'People who have read it; 0 is a count, null where the search says nothing.'),
    ebook_access STRING OPTIONS (description = 'The most that a reader gets of an e-book, in Open Library\'s words: `no_ebook`, `unclassified`, `printdisabled`, `borrowable` or `public`.'),
    isbn_count INT64 OPTIONS (description = 'Rows of `work_isbns`; null where the search does not know the work.'),
    isbn13 STRING OPTIONS (description = 'The ISBN to find it by: that of the edition to order, if the subject\'s order list has one, else the smallest; null without any.'),
    fetched_for STRING NOT NULL OPTIONS (description = 'The subject whose fetch the row is of: the last of those that list it.'),
    fetched_at TIMESTAMP NOT NULL OPTIONS (description = 'When the fetch ended that the row is of.')
)
FROM FILES (
    format = 'PARQUET',
    enable_list_inference = TRUE,
    uris = ['gs://bucket/prefix/warehouse/VERSION/works/part-0.parquet']
);

LOAD DATA OVERWRITE openlib.work_subjects (
    subject STRING NOT NULL OPTIONS (description = 'Open Library\'s key of the subject, such as science_fiction or place:france.'),
    work_key STRING NOT NULL OPTIONS (description = 'Open Library\'s key of the work, such as OL27448W. That of an orphaned edition ends in M.')
)
FROM FILES (
    format = 'PARQUET',
    enable_list_inference = TRUE,
    uris = ['gs://bucket/prefix/warehouse/VERSION/work_subjects/part-0.parquet']
);

LOAD DATA OVERWRITE openlib.authors (
    author_key STRING NOT NULL OPTIONS (description = 'Open Library\'s key of the author, such as OL26320A.'),
    author_name STRING OPTIONS (description = 'The author\'s most frequent non-blank name among their works of all subjects, one vote per work; ties go to the smallest by code point. Null if every name is blank.'),
    book_count INT64 NOT NULL OPTIONS (description = 'Works of all subjects that list the author, dated or not.'),
    first_year INT64 OPTIONS (description = 'First year of the author\'s dated works; null without one.'),
    last_year INT64 OPTIONS (description = 'Last year of the author\'s dated works; null without one.')
)
FROM FILES (
    format = 'PARQUET',
    enable_list_inference = TRUE,
    uris = ['gs://bucket/prefix/warehouse/VERSION/authors/part-0.parquet']
);

LOAD DATA OVERWRITE openlib.work_authors (
    author_key STRING NOT NULL OPTIONS (description = 'Open Library\'s key of the author, such as OL26320A.'),
    work_key STRING NOT NULL OPTIONS (description = 'Open Library\'s key of the work, such as OL27448W. That of an orphaned edition ends in M.'),
    author_position INT64 NOT NULL OPTIONS (description = 'The author\'s place in the list as received, from 1; the first one if the author is listed twice.'),
    listed_name STRING OPTIONS (description = 'The author\'s name as the work lists it; may be null or blank.')
)
FROM FILES (
    format = 'PARQUET',
    enable_list_inference = TRUE,
    uris = ['gs://bucket/prefix/warehouse/VERSION/work_authors/part-0.parquet']
);

LOAD DATA OVERWRITE openlib.work_isbns (
    work_key STRING NOT NULL OPTIONS (description = 'Open Library\'s key of the work, such as OL27448W. That of an orphaned edition ends in M.'),
    isbn13 STRING NOT NULL OPTIONS (description = 'ISBN-13: 13 digits, the last checked; an ISBN-10 was turned into one. Other works may have it, too.')
)
FROM FILES (
    format = 'PARQUET',
    enable_list_inference = TRUE,
    uris = ['gs://bucket/prefix/warehouse/VERSION/work_isbns/part-0.parquet']
);

LOAD DATA OVERWRITE openlib.author_yearly_counts (
    author_key STRING NOT NULL OPTIONS (description = 'Open Library\'s key of the author, such as OL26320A.'),
    author_name STRING OPTIONS (description = 'The author\'s most frequent non-blank name among their works of all subjects, one vote per work; ties go to the smallest by code point. Null if every name is blank.'),
    year INT64 NOT NULL OPTIONS (description = 'Year of first publication; only years with status `ok`.'),
    book_count INT64 NOT NULL OPTIONS (description = 'Distinct works of the author first published in that year.')
)
FROM FILES (
    format = 'PARQUET',
    enable_list_inference = TRUE,
    uris = ['gs://bucket/prefix/warehouse/VERSION/author_yearly_counts/part-0.parquet']
);

LOAD DATA OVERWRITE openlib.author_averages (
    author_key STRING NOT NULL OPTIONS (description = 'Open Library\'s key of the author, such as OL26320A.'),
    author_name STRING OPTIONS (description = 'The author\'s most frequent non-blank name among their works of all subjects, one vote per work; ties go to the smallest by code point. Null if every name is blank.'),
    book_count INT64 NOT NULL OPTIONS (description = 'Works of all subjects that list the author, dated or not.'),
    dated_book_count INT64 NOT NULL OPTIONS (description = 'How many of them have a year with status `ok`.'),
    first_year INT64 OPTIONS (description = 'First year of the author\'s dated works; null without one.'),
    last_year INT64 OPTIONS (description = 'Last year of the author\'s dated works; null without one.'),
    active_years INT64 NOT NULL OPTIONS (description = 'Years in which the author has at least one dated work.'),
    span_years INT64 OPTIONS (description = 'last_year - first_year + 1; null without a dated work.'),
    avg_books_per_active_year FLOAT64 OPTIONS (description = 'dated_book_count / active_years: works per year with a work; null without a dated work.'),
    avg_books_per_calendar_year FLOAT64 OPTIONS (description = 'dated_book_count / span_years: works per year, from the first to the last; null without a dated work.')
)
FROM FILES (
    format = 'PARQUET',
    enable_list_inference = TRUE,
    uris = ['gs://bucket/prefix/warehouse/VERSION/author_averages/part-0.parquet']
);

LOAD DATA OVERWRITE openlib.subject_author_yearly_counts (
    subject STRING NOT NULL OPTIONS (description = 'Open Library\'s key of the subject, such as science_fiction or place:france.'),
    author_key STRING NOT NULL OPTIONS (description = 'Open Library\'s key of the author, such as OL26320A.'),
    author_name STRING OPTIONS (description = 'The author\'s most frequent non-blank name among their works of the subject, one vote per work; ties go to the smallest by code point. Null if every name is blank.'),
    year INT64 NOT NULL OPTIONS (description = 'Year of first publication; only years with status `ok`.'),
    book_count INT64 NOT NULL OPTIONS (description = 'Distinct works of the author first published in that year.')
)
FROM FILES (
    format = 'PARQUET',
    enable_list_inference = TRUE,
    uris = ['gs://bucket/prefix/warehouse/VERSION/subject_author_yearly_counts/part-0.parquet']
);

LOAD DATA OVERWRITE openlib.stocking_list (
    subject STRING NOT NULL OPTIONS (description = 'Open Library\'s key of the subject, such as science_fiction or place:france.'),
    rank INT64 NOT NULL OPTIONS (description = 'Place among the works of the subject, from 1, by score and then by key.'),
    work_key STRING NOT NULL OPTIONS (description = 'Open Library\'s key of the work, such as OL27448W. That of an orphaned edition ends in M.'),
    title STRING OPTIONS (description = 'The work\'s title, as in books.'),
    author_names ARRAY<STRING> OPTIONS (description = 'Names of the authors, as listed; an empty list without one.'),
    year INT64 OPTIONS (description = 'Year of first publication, if its status is `ok`.'),
    languages ARRAY<STRING> OPTIONS (description = 'Languages of its editions, as in work_details: an empty list if none is known, null if nothing is.'),
    demand FLOAT64 OPTIONS (description = 'How much it is wanted, read, rated and reprinted, from 0 to 1.'),
    recency FLOAT64 OPTIONS (description = '1 in the year of the fetch, 0 fifty years before; null without a year.'),
    author FLOAT64 OPTIONS (description = 'Books here of its most productive author, or what the store sold of the author\'s other books if that says more, from 0 to 1; null without an author.'),
    no_free FLOAT64 OPTIONS (description = '0 if everybody can read an e-book, 0.5 if one can be borrowed, otherwise 1; null if it was not asked.'),
    score FLOAT64 NOT NULL OPTIONS (description = 'The weighted mean of the criteria that are known, from 0 to 1; 0 without any.'),
    in_store STRING OPTIONS (description = 'Whether the store sells it: `yes`, `no`, or `review` where somebody has to look, because the match is not sure or the store sells what may be the same book; null without a store catalogue.'),
    duplicate_of STRING OPTIONS (description = 'The better-ranked work that is likely the same book (possible_duplicate_books, score 0.6 or more).'),
    reason STRING NOT NULL OPTIONS (description = 'Why it stands where it does, in one sentence.')
)
FROM FILES (
    format = 'PARQUET',
    enable_list_inference = TRUE,
    uris = ['gs://bucket/prefix/warehouse/VERSION/stocking_list/part-0.parquet']
);

LOAD DATA OVERWRITE openlib.order_list (
    subject STRING NOT NULL OPTIONS (description = 'Open Library\'s key of the subject, such as science_fiction or place:france.'),
    rank INT64 NOT NULL OPTIONS (description = 'Place of the work in stocking_list; places of works that are not to order are left out.'),
    work_key STRING NOT NULL OPTIONS (description = 'Open Library\'s key of the work, such as OL27448W. That of an orphaned edition ends in M.'),
    edition_key STRING OPTIONS (description = 'Open Library\'s key of the edition to order, such as OL7353617M; null if none with an ISBN was found.'),
    isbn13 STRING OPTIONS (description = 'ISBN of the edition, in 13 digits.'),
    title STRING OPTIONS (description = 'Title of the edition; that of the work where no edition was found.'),
    author_names ARRAY<STRING> OPTIONS (description = 'Names of the authors, as listed; an empty list without one.'),
    publisher STRING OPTIONS (description = 'Publisher of the edition.'),
    publish_date STRING OPTIONS (description = 'When the edition was published, as Open Library has it.'),
    language STRING OPTIONS (description = 'Language of the edition, as a three-letter code.'),
    score FLOAT64 NOT NULL OPTIONS (description = 'The weighted mean of the criteria that are known, from 0 to 1; 0 without any.'),
    reason STRING NOT NULL OPTIONS (description = 'Why the work stands where it does, and whether an edition was found.')
)
FROM FILES (
    format = 'PARQUET',
    enable_list_inference = TRUE,
    uris = ['gs://bucket/prefix/warehouse/VERSION/order_list/part-0.parquet']
);

LOAD DATA OVERWRITE openlib.subject_history (
    subject STRING NOT NULL OPTIONS (description = 'Open Library\'s key of the subject, such as science_fiction or place:france.'),
    snapshot STRING NOT NULL OPTIONS (description = 'Name of the snapshot: the end of its fetch, in UTC (`YYYYMMDDTHHMMSSZ`).'),
    fetched_at TIMESTAMP NOT NULL OPTIONS (description = 'When the fetch ended that the row is of.'),
    works INT64 NOT NULL OPTIONS (description = 'Works that could be used.'),
    works_dated INT64 NOT NULL OPTIONS (description = 'Works whose year had status `ok`.'),
    works_added INT64 OPTIONS (description = 'Works that the snapshot before did not have; null where there was none before that can be read.'),
    works_removed INT64 OPTIONS (description = 'Works that only the snapshot before had; null where there was none before that can be read.')
)
FROM FILES (
    format = 'PARQUET',
    enable_list_inference = TRUE,
    uris = ['gs://bucket/prefix/warehouse/VERSION/subject_history/part-0.parquet']
);

ALTER TABLE openlib.subjects
SET OPTIONS (description = 'One row is a subject that is fetched. It tells what the other tables are over, how large each subject is and how fresh.');

ALTER TABLE openlib.works
SET OPTIONS (description = 'One row is a work, however many subjects list it. The list of all books, each once, as the subject saw it that was fetched last, with what the search says.');

ALTER TABLE openlib.work_subjects
SET OPTIONS (description = 'One row is a subject of a work, of the subjects that are fetched. It joins works and subjects.');

ALTER TABLE openlib.authors
SET OPTIONS (description = 'One row is an author with at least one work in any subject. It tells who writes, how much, and from when to when: each author once, under one name.');

ALTER TABLE openlib.work_authors
SET OPTIONS (description = 'One row is an author of a work. It joins works and authors.');

ALTER TABLE openlib.work_isbns
SET OPTIONS (description = 'One row is an ISBN-13 of a work. It finds a work by any of its ISBNs; one that several works claim is kept with each.');

ALTER TABLE openlib.author_yearly_counts
SET OPTIONS (description = 'One row is an author and a year in which they have at least one book. It answers how many books each author published in each year, over the works of all subjects, each once.');

ALTER TABLE openlib.author_averages
SET OPTIONS (description = 'One row is an author. It answers how many books an author publishes a year on average, over all works, each once.');

ALTER TABLE openlib.subject_author_yearly_counts
SET OPTIONS (description = 'One row is an author and a year in which they have at least one book of a subject. It answers how many books of a subject each author published in each year.');

ALTER TABLE openlib.stocking_list
SET OPTIONS (description = 'One row is a work of a subject, ranked by whether to stock it. For those who buy books: the stocking lists of all subjects; a work of several subjects stands in each.');

ALTER TABLE openlib.order_list
SET OPTIONS (description = 'One row is an edition to order, for a subject. For those who order: the order lists of all subjects; a work of several subjects may stand in each.');

ALTER TABLE openlib.subject_history
SET OPTIONS (description = 'One row is a snapshot of a subject. It shows trends: how a subject grew and changed from one snapshot to the next. It keeps the rows of snapshots that have been pruned.');
