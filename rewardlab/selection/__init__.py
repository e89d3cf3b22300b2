"""Which completions or prompts are trained on."""
