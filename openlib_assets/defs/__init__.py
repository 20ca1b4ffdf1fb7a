"""Everything that Dagster loads, thin: assets, jobs, schedules, sensors, partitions, resources and the IO manager."""
