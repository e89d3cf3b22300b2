"""A run, from its config to its last file."""
