"""The tables of a dump on EMR Serverless: who starts the job and waits for it, and the job."""
