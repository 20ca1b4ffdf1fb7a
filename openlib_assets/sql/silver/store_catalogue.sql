-- One row is a line of the store's file that has something in one of the columns read (sql/helpers/store_cells.sql).
SELECT row, isbn13, title, author, price, units_sold
FROM store_cells
WHERE coalesce(isbn13, isbn_fault, title, author) IS NOT NULL OR has_price OR has_units_sold
ORDER BY row
