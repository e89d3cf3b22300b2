"""What runs left behind, read together: a grid's runs, their tables and figures."""
