"""METHODS as a table that people read: `python -m rewardlab.catalogue`."""

from rewardlab.methods import METHODS


def catalogue() -> str:
    """METHODS as Markdown: a row a method, and what is known of it."""
    shown = ("shift", "scale", "homogeneous", "telescoping", "bounded", "padding")
    head = ["method", "sentence", *shown, "checked against"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name, method in METHODS.items():
        marks = ["✓" if law in method.laws else "" for law in shown]
        link = f"https://arxiv.org/abs/{method.arxiv}"
        paper = f"[{name}]({link})" if method.arxiv else name
        text = method.sentence.replace("|", r"\|")
        cells = [paper, f"`{text}`", *marks, method.verified]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(catalogue())
