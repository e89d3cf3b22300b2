"""A model for runs of seconds, which compile more than they compute."""

TINY = {"num_layers": 1, "width": 64, "num_heads": 2, "ffn": 128}
TINY_FLAT = {f"model.{name}": size for name, size in TINY.items()}
