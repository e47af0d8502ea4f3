"""Where jobs run that do not depend on each other: one file a place."""
