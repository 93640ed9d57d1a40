"""The page for what is not there, or cannot be read now."""

from watchdog.adapters.web.pages.markup import document, said
from watchdog.adapters.web.pages.overview import header


def missing_page(title: str, why: str) -> str:
    """One sentence, and the way back."""
    body = (
        header(None)
        + f'<main id="main"><h1>{said(title)}</h1><p>{said(why)}</p><p><a href="/" id="up">All watches</a></p></main>'
    )
    return document(title, body)
