"""Warehouse and catalogue as Iceberg tables: a snapshot for each version, over the Parquet files that are there anyway.

`registering` registers what is there, and takes it back; `record` keeps what is, so that its files stay. Of Iceberg,
`catalogue` knows where tables are registered, `tables` what each is there, `snapshots` how they get one together.
"""
