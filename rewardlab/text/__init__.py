"""Text into tokens and back."""

Text = str | list[dict[str, str]]  # messages with a role and a content
