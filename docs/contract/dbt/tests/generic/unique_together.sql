{# No two rows have the same values in all of some columns. #}
{% test unique_together(model, columns) %}
SELECT {{ columns | join(', ') }}, count(*) AS rows_that_share_it
FROM {{ model }}
GROUP BY {{ columns | join(', ') }}
HAVING count(*) > 1
{% endtest %}
