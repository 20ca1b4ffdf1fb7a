"""The storage and the pipeline on a real S3 server, Ceph's RGW (`make test-s3`)."""
