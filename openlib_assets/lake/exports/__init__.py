"""What leaves the lake as files for people: CSV, exact or for spreadsheets."""
