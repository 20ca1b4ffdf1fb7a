-- The books of a store, in the form in which works are compared with them; no table of their own.
CREATE OR REPLACE TEMP VIEW store_titles_given AS SELECT row AS book, title FROM store_catalogue;
CREATE OR REPLACE TEMP VIEW store_persons_given AS SELECT row AS book, author FROM store_catalogue;
CREATE OR REPLACE TEMP TABLE store_titles AS FROM title_forms('store_titles_given');
CREATE OR REPLACE TEMP TABLE store_persons AS FROM persons_of('store_persons_given');
CREATE OR REPLACE TEMP TABLE store_blocks AS SELECT block, form FROM blocks_of('store_titles', 'store_persons', 'store', 'works');
