"""Where problems come from: columns, files, data sets."""
