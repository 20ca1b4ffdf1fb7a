"""What the sandbox has: works, authors, subjects, generated from a seed, and the orders they are asked for in."""
