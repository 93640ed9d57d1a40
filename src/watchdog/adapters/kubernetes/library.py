"""kubernetes-asyncio without its 1,500 generated models and APIs, of which this house uses none: 60 MB and a second.

What is used are its readers of kubeconfigs and of a pod's own credentials, and its HTTP client that goes with them.
The library's packages import all that was generated when they are first named, so for the moment of the import bare
packages stand in their places.
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any

_LIBRARY = "kubernetes_asyncio"
_CLIENT = f"{_LIBRARY}.client"


@contextmanager
def _bare() -> Iterator[None]:
    """The library's packages without their contents; afterwards nothing of it is loaded as far as others can see."""
    spec = find_spec(_LIBRARY)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"No module named {_LIBRARY!r}", name=_LIBRARY)
    folder = Path(spec.submodule_search_locations[0])
    loaded = {name: sys.modules.pop(name) for name in _names()}
    try:
        library, client = _package(_LIBRARY, folder), _package(_CLIENT, folder / "client")
        library.client = client  # type: ignore[attr-defined]
        client.models = _package(f"{_CLIENT}.models", folder / "client" / "models")  # type: ignore[attr-defined]
        client.Configuration = importlib.import_module(f"{_CLIENT}.configuration").Configuration  # type: ignore[attr-defined]
        client.ApiClient = importlib.import_module(f"{_CLIENT}.api_client").ApiClient  # type: ignore[attr-defined]
        yield
    finally:
        for name in _names():
            del sys.modules[name]
        sys.modules.update(loaded)


def _names() -> list[str]:
    return [name for name in sys.modules if name == _LIBRARY or name.startswith(f"{_LIBRARY}.")]


def _package(name: str, folder: Path) -> ModuleType:
    spec = ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    module = sys.modules[name] = module_from_spec(spec)
    return module


with _bare():
    _client = sys.modules[_CLIENT]
    _config: Any = importlib.import_module(f"{_LIBRARY}.config")

ApiClient: Any = _client.ApiClient
Configuration: Any = _client.Configuration
ConfigException: type[Exception] = _config.ConfigException
load_incluster_config: Any = _config.load_incluster_config
load_kube_config: Any = _config.load_kube_config
