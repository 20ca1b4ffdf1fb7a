"""The entry point of the job on EMR Serverless; the project is in the environment that it runs in."""

from openlib_assets.defs.emr.job import main

main()
