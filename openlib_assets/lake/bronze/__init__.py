"""From Open Library into bronze: pages set aside, snapshots, and the fetch that makes one from the other."""
