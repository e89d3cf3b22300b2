"""Code that no command, run, public name or documented example uses is rare."""

from reach import WAITS, Module, Program, beginnings, census

SHARE = 0.05


def test_little_is_not_reached():
    """Apart from what waits for learned models, which is listed by module."""
    every, idle = census()
    waiting = {module for modules in WAITS.values() for module in modules}
    rest = {at: size for at, size in idle.items() if at[0] not in waiting}
    share = sum(rest.values()) / sum(every.values())
    print(f"{sum(idle.values())} of {sum(every.values())} lines are not reached")
    assert share < SHARE, sorted(rest.items(), key=lambda x: -x[1])[:20]


def test_what_waits_is_still_waiting():
    """A module that is used by now is no longer listed."""
    every, idle = census()
    for module in [m for modules in WAITS.values() for m in modules]:
        size = sum(lines for at, lines in every.items() if at[0] == module)
        left = sum(lines for at, lines in idle.items() if at[0] == module)
        assert size and left > size / 2, module


def program(**texts):
    made = Program.__new__(Program)
    made.modules = {name: Module(name, text) for name, text in texts.items()}
    return made


def test_names_are_followed():
    """Through aliases, modules, tables and functions; what nobody names is left."""
    made = program(
        **{
            "rewardlab": "from rewardlab.a import public as known",
            "rewardlab.a": (
                "import rewardlab.b as b\n"
                "from rewardlab.c import used\n"
                "from rewardlab import d\n"
                "def public(): return b.TABLE, made(d), used()\n"
                "def made(module): return module.read\n"
                "def idle(): return lost()\n"
                "def lost(): pass\n"
            ),
            "rewardlab.b": (
                "from rewardlab import c\n"
                "def word(): return c.deep\n"
                "TABLE = {'word': word}\n"
                "other: int = 3\n"
            ),
            "rewardlab.c": "def used(): pass\ndef deep(): pass\ndef never(): deep()\n",
            "rewardlab.d": "def read(): pass\ndef unread(): pass\n",
        }
    )
    reached = made.reached(beginnings(made, []))
    names = {f"{module[10:]}.{name}" for module, name in reached}
    assert names == {
        "a.public",
        "a.made",
        *{"b.TABLE", "b.word"},
        "c.used",
        "c.deep",
        "d.read",
    }
