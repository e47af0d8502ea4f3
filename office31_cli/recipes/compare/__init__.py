"""`office31 compare`: the chapter's claims as runs that anyone can repeat."""
