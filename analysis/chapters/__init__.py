"""What a report says: one module or folder a chapter, each from a report to what its page shows."""

import importlib
import pkgutil
from collections.abc import Callable


def sections() -> list[tuple[str, Callable]]:
    """The name of each chapter, and what it makes of a report."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    return [(name, importlib.import_module(f"{__name__}.{name}").review) for name in names]
