-- One row is a row of the store's catalogue: the work that it is, or may be.
--
-- Of its candidates (sql/helpers/store_candidates.sql) the one with the highest score is taken, then the one with the most
-- editions, then the smallest key. It is sure (`yes`) where the rule is, where no other book comes near, where no other
-- work of the same title and author has a third of its editions, and where the ISBN does not say something else.
WITH placed AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY row ORDER BY score DESC, edition_count DESC NULLS LAST, work_key) AS place,
        bool_or(by_isbn AND is_clash) OVER (PARTITION BY row) AS isbn_clashes
    FROM store_candidates
),
best AS (
    SELECT * FROM placed WHERE place = 1
),
others AS (
    SELECT
        best.row,
        coalesce(other.words = best.words AND other.is_author AND best.is_author, false) AS is_twin,
        other.score,
        coalesce(other.edition_count, 0) AS editions
    FROM best
    JOIN placed AS other ON other.row = best.row AND other.place > 1
),
rivals AS (
    SELECT
        row,
        max(score) FILTER (WHERE NOT is_twin) AS runner_up,
        max(editions) FILTER (WHERE is_twin) AS most_editions
    FROM others
    GROUP BY row
),
judged AS (
    SELECT
        best.*,
        best.isbn_clashes AND NOT best.by_isbn AS isbn_is_of_another,
        round(best.score - rivals.runner_up, 3) AS margin,
        NOT best.by_isbn AND coalesce(coalesce(best.edition_count, 0) < 3 * greatest(1, rivals.most_editions), false)
            AND rivals.most_editions IS NOT NULL AS has_rival_twin
    FROM best
    LEFT JOIN rivals USING (row)
)
SELECT
    store_catalogue.row,
    judged.work_key,
    CASE
        WHEN judged.row IS NULL THEN 'no'
        WHEN judged.is_sure
            AND coalesce(judged.margin >= 0.02, true)
            AND NOT judged.isbn_is_of_another
            AND NOT judged.has_rival_twin THEN 'yes'
        ELSE 'review'
    END AS decision,
    CASE WHEN judged.isbn_is_of_another THEN judged.rule || ', isbn of another work' ELSE judged.rule END AS rule,
    judged.score,
    judged.margin
FROM store_catalogue
LEFT JOIN judged USING (row)
ORDER BY store_catalogue.row
