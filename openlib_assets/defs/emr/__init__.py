"""The tables of a dump on EMR Serverless: who starts the job and waits for it, and the job."""

# Of the job: files may have far fewer lines than those of the dump before.
ACCEPTS_LOSS = "--accept-loss"
