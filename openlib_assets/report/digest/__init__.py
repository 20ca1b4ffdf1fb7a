"""What is new in all subjects: `news` finds it, `written` puts it into words."""
