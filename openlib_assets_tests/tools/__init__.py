"""What tests and benchmarks share: servers, processes, disks, and the plain-Python reference."""
