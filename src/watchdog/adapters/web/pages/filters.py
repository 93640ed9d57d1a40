"""Which watches are shown: by namespace, guard and outcome, as query parameters, so that a view can be linked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from watchdog.adapters.web.pages.markup import said
from watchdog.domain.reading import Record, state_of

_LONGEST = 253
_CHOICES = 300  # of one kind; any other can still be asked for by the address


@dataclass(frozen=True, slots=True)
class Filter:
    """What is asked for; "" asks for everything."""

    namespace: str = ""
    guard: str = ""
    outcome: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Filter":
        """Read from query parameters; what is not known is ignored."""
        return cls(*(query.get(name, "")[:_LONGEST] for name in ("namespace", "guard", "outcome")))

    @property
    def asks(self) -> bool:
        """Whether anything may be left out."""
        return any((self.namespace, self.guard, self.outcome))

    def lets(self, record: Record) -> bool:
        """Whether the watch is shown."""
        return (
            self.namespace in ("", namespace_of(record))
            and self.guard in ("", record.get("guard"))
            and self.outcome in ("", state_of(record))
        )


def namespace_of(record: Record) -> str:
    """The namespace of a record's target."""
    return str(record.get("target", "")).partition("/")[0]


def form(chosen: Filter, records: Sequence[Record]) -> str:
    """The choices among what there is, as a form that needs no script."""
    shown = " open" if chosen.asks else ""
    return (
        f'<details class="filter" id="filter"{shown}><summary>Filter</summary>'
        '<form class="filter" method="get" action="/" role="search" aria-label="Which watches are shown">'
        + _select("namespace", chosen.namespace, (namespace_of(record) for record in records))
        + _select("guard", chosen.guard, (str(record.get("guard", "")) for record in records))
        + _select("outcome", chosen.outcome, (state_of(record) for record in records))
        + '<button type="submit" id="f-show">Show</button>'
        + ('<a href="/" id="f-all">Show all</a>' if chosen.asks else "")
        + "</form></details>"
    )


def _select(name: str, chosen: str, found: Iterable[str]) -> str:
    values = sorted({*filter(None, found)})[:_CHOICES]
    if chosen and chosen not in values:
        values.append(chosen)
    options = "".join(
        f'<option value="{said(value, _LONGEST)}"{" selected" if value == chosen else ""}>{said(value, 80)}</option>'
        for value in values
    )
    return f'<label>{name}<select name="{name}" id="f-{name}"><option value="">any</option>{options}</select></label>'
