"""`rewardlab audit`: sentences where the exact gradient is known."""

import argparse

from rich.console import Console
from rich.text import Text

from rewardlab.show.checks import numbers_of

ABOUT = """
On a small decision process every episode is listed, so that the gradient of the chance
of success and the advantage of every action are exact. Printed is how far a sentence's
gradient and credit are from them, and whether its shaping changes which policy is best:

  rewardlab audit grpo rloo "outcome('correct') | whiten() | broadcast_to_tokens()"
  rewardlab audit gigpo --world aliased --set turns=6 forks=1,4 --hp gamma=1

`grpo` is audited with them if it is not named.
"""


def add_audit(commands: "argparse._SubParsersAction") -> None:
    """Adds the command, which says with `answer` what it does."""
    about = commands.add_parser(
        "audit",
        help="a sentence's gradient and credit beside the exact ones",
        description=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    about.add_argument("sentences", nargs="+", help="methods' names, or sentences")
    about.add_argument("--world", default="plain", help="plain untold")
    says = "values of the world, as in turns=6 forks=1,4 states=merged"
    about.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help=says)
    about.add_argument("--rows", type=int, default=8, help="of a prompt; 8 untold")
    says = "who makes a signal, as in prm=step_is_right"
    about.add_argument(
        "--signal", nargs="+", default=[], metavar="NAME=MAKER", help=says
    )
    says = "hyperparameters, as in tau=0.1, of those that have them"
    about.add_argument("--hp", nargs="+", default=[], metavar="NAME=VALUE", help=says)
    says = "modules of words of your own that the sentences may use"
    about.add_argument("--words", dest="own_words", nargs="+", default=(), help=says)
    about.set_defaults(answer=_audit)


def _audit(args: argparse.Namespace, out: Console) -> None:
    from rewardlab.audits import audit, world_of
    from rewardlab.audits.table import table
    from rewardlab.methods import method_of

    world, numbers = world_of(args.world, args.set), numbers_of(args.hp)
    pairs = [text.partition("=") for text in args.signal]
    makers = {name: maker for name, _, maker in pairs}
    methods = {text: method_of(text) for text in args.sentences}
    if unused := sorted(
        set(numbers) - set().union(*(m.names for m in methods.values()))
    ):
        raise ValueError(f"no sentence here has {unused[0]!r}; drop --hp {unused[0]}")
    found = []
    for text in dict.fromkeys(["grpo", *args.sentences]):
        own = {k: v for k, v in numbers.items() if k in method_of(text).names}
        found.append(audit(text, world, args.rows, makers, **own))
    out.print(Text(table(found)), soft_wrap=True)
