"""Pieces of HTML that several sections of the report share."""

from collections.abc import Sequence

from watchdog.drawing.elements import words


def table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are HTML already, which scrolls within itself on narrow screens.

    A head that ends with `|n` heads a column of numbers.
    """
    numeric = [head.endswith("|n") for head in heads]
    head = "".join(
        f'<th scope="col"{" class=n" if right else ""}>{words(name.removesuffix("|n"))}</th>'
        for name, right in zip(heads, numeric, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="{"n nowrap" if right else ""}">{cell}</td>' for cell, right in zip(row, numeric, strict=True)
        )
        + "</tr>\n"
        for row in rows
    ).replace(' class=""', "")
    return figure(f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table>", caption)


def figure(content: str, label: str) -> str:
    """A picture or table that scrolls within itself on narrow screens, so that its words stay legible."""
    return f'<div class="wide" role="group" aria-label="{words(label)}" tabindex="0">{content}</div>'


def fact(name: str, text: str) -> str:
    """A line of a list of facts."""
    return f"<dt>{words(name)}</dt><dd>{words(text, 1000)}</dd>"
