"""Which adapter reads which golden file, and where we differ from the reference.

Each module beside this one has its own tables; `LOOSE_64`, `LOOSE_32` and `NAN_IS` are
needed only where there is something to say.
"""

import importlib
import pkgutil


def _gather(table):
    found: dict = {}
    for module in pkgutil.iter_modules(__path__):
        part = importlib.import_module(f"{__name__}.{module.name}")
        more = getattr(part, table, {})
        assert not set(found) & set(more), (table, set(found) & set(more))
        found |= more
    return found


ADAPTERS = _gather("ADAPTERS")

# Relative tolerance in float64 where 1e-9 is not meant, and why.
LOOSE_64 = _gather("LOOSE_64")

# Relative tolerance in float32 where 1e-5 is not possible, and why.
LOOSE_32 = _gather("LOOSE_32")

# Where the reference gives NaN (a number that we define instead), and what we give.
NAN_IS = _gather("NAN_IS")

# Outputs that show a trap of a released code, not the method.
NOT_THE_METHOD = ("unused_", "code_quirk")
