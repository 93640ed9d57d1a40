"""What happened when, from the baseline through the switch to the outcome, as a list in the order of time."""

from watchdog.adapters.web.pages.markup import said, time
from watchdog.domain.account import Account, Happening
from watchdog.domain.reading import Record, moment


def timeline(record: Record, account: Account) -> str:
    """The section. Each entry says how long after the switch it was."""
    switched = moment(record.get("switched_at"))
    day = f" on {switched:%Y-%m-%d}" if switched else ""
    return (
        f'<section aria-labelledby="timeline"><h2 id="timeline">What happened{day}</h2>'
        f'<ol class="line">{"".join(map(_entry, account.timeline))}</ol></section>'
    )


def _entry(one: Happening) -> str:
    why = f": {said(one.why)}" if one.why else ""
    after = f" {said(one.after)}" if one.after else ""
    when = f'<span class="when">{time(one.at, day=False)}{after}</span>'
    return f'<li class="b-{one.tone}">{when} <b>{said(one.what)}</b>{why}</li>'
