{# Several columns together are the key of a row of another table, unless one of them is null. #}
{% test refers_to(model, columns, to, fields) %}
SELECT referring.*
FROM {{ model }} AS referring
LEFT JOIN {{ to }} AS target
    ON {% for column in columns %}{{ 'AND ' if not loop.first }}referring.{{ column }} = target.{{ fields[loop.index0] }} {% endfor %}

WHERE target.{{ fields[0] }} IS NULL
{% for column in columns %}
    AND referring.{{ column }} IS NOT NULL
{% endfor %}
{% endtest %}
