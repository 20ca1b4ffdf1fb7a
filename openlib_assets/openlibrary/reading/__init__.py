"""How a subject is read: its pages, several at once, set aside as they come, and the list of its keys."""
