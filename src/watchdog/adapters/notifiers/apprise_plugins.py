"""Loads of Apprise's hundred and fifty plugins the one that a URL asks for: 3 MB instead of 45.

Apprise itself loads all of them when it first sees a URL. Where its manager of plugins is not as it is known here
(2.2), or the URL is of another kind, it does so still.
"""

import importlib
import sys
import warnings
from collections.abc import Mapping
from threading import Lock
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

MODULES: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("apprise", "apprises"), "apprise_api"),
        **dict.fromkeys(("form", "forms"), "custom_form"),
        **dict.fromkeys(("json", "jsons"), "custom_json"),
        **dict.fromkeys(("xml", "xmls"), "custom_xml"),
        **dict.fromkeys(("mailto", "mailtos"), "email"),
        **dict.fromkeys(("goalert", "goalerts"), "goalert"),
        **dict.fromkeys(("gotify", "gotifys"), "gotify"),
        **dict.fromkeys(("matrix", "matrixs"), "matrix"),
        **dict.fromkeys(("mmost", "mmosts"), "mattermost"),
        **dict.fromkeys(("ntfy", "ntfys"), "ntfy"),
        **dict.fromkeys(("rocket", "rockets"), "rocketchat"),
        **dict.fromkeys(("signal", "signals"), "signal_api"),
        **{name: name for name in ("discord", "incidentio", "opsgenie", "slack", "sns", "splunk", "squadcast")},
        **{name: name for name in ("twilio", "workflows", "zulip")},
        "gchat": "google_chat",
        "pover": "pushover",
        "tgram": "telegram",
        "webex": "webexteams",
    }
)
"""Where the plugin of each allowed scheme lies."""

NATIVE: Mapping[str, str] = MappingProxyType(
    {
        "hooks.slack.com": "slack",
        "discord.com": "discord",
        "discordapp.com": "discord",
        "chat.googleapis.com": "google_chat",
        "logic.azure.com": "workflows",
    }
)
"""And of addresses that Apprise takes as their services hand them out."""

_NEVER_ASKED_FOR = "syslog"  # it is there only if all are

_loading = Lock()


def load_for(url: str) -> None:
    """Load the plugin of this URL, if it is known which one that is; else leave it to Apprise to load all."""
    with _loading:
        _load_requests()
    from apprise.manager_plugins import NotificationManager  # noqa: PLC0415 - half of what is put off is this

    manager: Any = NotificationManager()  # type: ignore[no-untyped-call]
    module = _module(url)
    try:
        with _loading:
            known = manager._module_map or {}
            if module is None and known and _NEVER_ASKED_FOR not in known:
                manager._loaded.discard(manager.module_path)
                manager.load_modules()
            elif module is not None and module not in known:
                _load(manager, module)
    except AttributeError:
        return


def _load_requests() -> None:
    """Load what Apprise sends with, but not what guesses the encoding of an answer by its letters: 2.5 MB.

    An answer that does not say it is read as UTF-8 then, which requests does itself where it finds no such library. A
    version of it that wants one loads it, with Apprise.
    """
    guessing = {"chardet", "charset_normalizer"}
    if "requests" in sys.modules or guessing & sys.modules.keys():
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that it found none
        for name in guessing:
            sys.modules[name] = None  # type: ignore[assignment]  # it cannot be imported then
        try:
            importlib.import_module("requests")
        except ImportError:
            for name in [name for name in sys.modules if name.partition(".")[0] == "requests"]:
                del sys.modules[name]
        finally:
            for name in guessing:
                del sys.modules[name]


def _load(manager: Any, name: str) -> None:
    path = f"{manager.module_name_prefix}.{name}"
    module = importlib.import_module(path)
    plugin = next(
        found
        for candidate in dir(module)
        if manager.module_filter_re.match(candidate) and hasattr(found := getattr(module, candidate), "app_id")
    )
    manager._loaded.add(manager.module_path)
    for part in ("_module_map", "_schema_map", "_custom_module_map"):
        if getattr(manager, part) is None:
            setattr(manager, part, {})
    manager._module_map[name] = {"plugin": {plugin}, "module": module, "path": path, "native": True}
    manager._schema_map.update(dict.fromkeys(plugin.schemas(plugin), plugin))


def _module(url: str) -> str | None:
    scheme, separator, _ = url.partition("://")
    if not separator:
        return None
    if scheme.lower() != "https":
        return MODULES.get(scheme.lower())
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return None
    return next((module for known, module in NATIVE.items() if host == known or host.endswith(f".{known}")), None)
