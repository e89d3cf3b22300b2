"""A run's completions as a folder of pages that lead to one another."""

import os
from pathlib import Path

from markupsafe import Markup

from rewardlab.show.episode import Step, episode_of, read_step
from rewardlab.show.html import Links, listed, navigation
from rewardlab.show.page import page
from rewardlab.show.rendered import rendered
from rewardlab.show.rows import SORTS, in_order
from rewardlab.system.printable import number

INDEX = "index.html"


def write_pages(
    run: str | os.PathLike, folder: str | os.PathLike, step: int | None = None
) -> int:
    """Writes a page for every completion, lists in every order, and an index.

    Of one step, or of all that were written; files of the same name are replaced. The
    number of pages.
    """
    known = read_step(run, step)
    steps = known.steps if step is None else [step]
    Path(folder).mkdir(exist_ok=True)
    written, about = 0, []
    for number_ in steps:
        known = read_step(run, number_)
        for name, text in _pages(known, steps).items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
            written += 1
        about.append(_summary(known))
    head = f"<thead><tr>{_HEAD}</tr></thead>"
    body = f'<table class="rows">{head}<tbody>{"".join(about)}</tbody></table>'
    text = _list(known.run, "steps with completions", "", body)
    (Path(folder) / INDEX).write_text(text, encoding="utf-8")
    return written + 1


def _pages(step: Step, steps: list[int]) -> dict[str, str]:
    """By the name of its file, every page of a step."""
    rows = {row.row: _of_row(step.step, row.row) for row in step.rows}
    found = {}
    for by in SORTS:
        found[_of_list(step.step, by)] = _sorted(step, steps, by, rows)
    for row, name in rows.items():
        beside = _beside(step.step, steps)
        around = {
            f"step {step.step}": _of_list(step.step, "row"),
            "previous row": rows.get(row - 1, ""),
            "next row": rows.get(row + 1, ""),
            "previous step": _of_list(beside[0], "row"),
            "next step": _of_list(beside[1], "row"),
        }
        found[name] = page(episode_of(step, row), Links(around, rows))
    return found


def _sorted(step: Step, steps: list[int], by: str, rows: dict[int, str]) -> str:
    before, after = _beside(step.step, steps)
    around = {
        "all steps": INDEX,
        "previous step": _of_list(before, by),
        "next step": _of_list(after, by),
    }
    orders = {f"by {x}": _of_list(step.step, x) if x != by else "" for x in SORTS}
    links = navigation(around) + navigation(orders)
    what = f"training step {step.step} · {len(step.rows)} completions by {by}"
    return _list(step.run, what, links, listed(in_order(step.rows, by), rows))


def _list(run: str, what: str, links: str, body: str) -> str:
    markup = {"links": Markup(links), "body": Markup(body)}
    text = {"title": f"{run}: {what}", "run": run, "where": what}
    return rendered("list.html", {**text, **markup})


_HEAD = "".join(
    f'<th scope="col">{name}</th>'
    for name in ("step", "completions", "mean reward", "right")
)


def _summary(step: Step) -> str:
    rewards = [row.reward for row in step.rows if row.reward is not None]
    judged = [row.verdict == "right" for row in step.rows if row.mark]
    mean = number(sum(rewards) / len(rewards)) if rewards else ""
    right = f"{sum(judged)} of {len(judged)}" if judged else ""
    link = f'<a href="{_of_list(step.step, "row")}">{step.step}</a>'
    cells = "".join(f"<td>{x}</td>" for x in (link, len(step.rows), mean, right))
    return f'<tr>{cells}<td class="text"></td></tr>'


def _beside(step: int, steps: list[int]) -> tuple[int | None, int | None]:
    """The steps before and after; None at the ends."""
    at = steps.index(step)
    before = steps[at - 1] if at else None
    return before, steps[at + 1] if at + 1 < len(steps) else None


def _of_row(step: int, row: int) -> str:
    return f"step_{step:05d}_row_{row:04d}.html"


def _of_list(step: int | None, by: str) -> str:
    return "" if step is None else f"step_{step:05d}_by_{by}.html"
