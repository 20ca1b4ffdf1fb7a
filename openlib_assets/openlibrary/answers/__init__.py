"""What Open Library answers: each answer read and checked by itself, in this process or in one beside it."""
