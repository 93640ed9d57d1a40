"""Each adapter turns one outside thing into a port of `watchdog.ports`; adapters do not know each other."""

import sys
from importlib.util import find_spec
from types import ModuleType

# httpx loads its own command line with it, and that loads rich and pygments: 3 MB. It goes without where there is none
# in that module.
sys.modules.setdefault("httpx._main", ModuleType("httpx._main"))

# httpcore asks for sniffio at each request, several times: where that is not installed it is looked for on the whole
# path each time, unless it is said to be missing.
if "sniffio" not in sys.modules and find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]
