"""A channel's own words for its notices."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from watchdog.domain.channels import Template
from watchdog.domain.effects import Notice
from watchdog.domain.telling import headline
from watchdog.domain.trial import MARK
from watchdog.templating.facts import Values, values_of
from watchdog.templating.faults import RenderingFailed, TemplateFault
from watchdog.templating.filters import FILTERS, shown
from watchdog.templating.grammar import check
from watchdog.templating.samples import full, samples

TITLE, BODY = "title", "body"
_LONGEST_TEMPLATE = 4000  # characters
_LONGEST_TEXT = 20_000
_MOST_LINES = 200
_MARKED = re.compile(r"(?:\[(?:test|dry run)\] )*")

Fill = Callable[[Values], str]


class Wording:
    """A template of a title, a body or both, ready to be filled in; raises TemplateFault where it cannot be used."""

    def __init__(self, template: Template) -> None:
        self._title = None if template.title is None else _compiled(template.title)
        self._body = None if template.body is None else _compiled(template.body)

    def of(self, notice: Notice) -> Notice:
        """The notice in the channel's words; raises RenderingFailed. What it is about stays as it is.

        A mark of a test or a dry run stays in front. An empty title would tell nothing: then the usual one is told.
        """
        values = _values(notice)
        title, lines = notice.title, notice.lines
        if self._title is not None:
            worded = headline(_filled(self._title, values))
            mark = _MARKED.match(notice.title)
            title = headline(f"{mark[0] if mark else ''}{worded}") if worded else title
        if self._body is not None:
            body = _filled(self._body, values).splitlines()
            lines = tuple(line.strip() for line in body if line.strip())[:_MOST_LINES]
        return replace(notice, title=title, lines=lines)


def checked(text: str, part: str) -> str:
    """The template `part` as it is, once every kind of notice was tried on it; raises TemplateFault."""
    fill = _compiled(text)
    tells = False
    for notice in samples():
        try:
            tells = bool(headline(_filled(fill, values_of(notice)))) or tells
        except RenderingFailed as error:
            what = f"a notice of {notice.topic} cannot be told with it: {error}"
            raise TemplateFault(error.line, what, 'values are texts like "8.1 %", and "" where there is none') from None
    if part == TITLE and not tells:
        raise TemplateFault(1, "it makes no title for any notice", "write it like {{ target }}: {{ title }}")
    return text


def _values(notice: Notice) -> Values:
    """A test message is told as if it were about an example, so that it shows what the template makes of one."""
    values = values_of(notice)
    if not notice.title.startswith(MARK):
        return values
    example = values_of(full(notice.topic))
    lines = [*example["lines"], *values["lines"]]
    return {**example, "lines": lines, "body": "\n".join(lines)}


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # each channel escapes all of it by its own rules
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
        cache_size=0,
    )
    environment.filters = dict(FILTERS)
    environment.tests = {}
    environment.globals = {}
    return environment


@lru_cache(maxsize=200)
def _compiled(text: str) -> Fill:
    if len(text) > _LONGEST_TEMPLATE:
        what = f"the template has {len(text)} characters"
        raise TemplateFault(1, what, f"write at most {_LONGEST_TEMPLATE}")
    environment = _environment()
    try:
        tree = environment.parse(text)
        check(tree)
        template = environment.from_string(tree)
    except jinja2.TemplateSyntaxError as error:
        what = f"the template cannot be read: {error.message}"
        raise TemplateFault(error.lineno, what, "write it like {{ target }} or {% if rule %}...{% endif %}") from None
    except (RecursionError, MemoryError, SyntaxError, OverflowError, ValueError) as error:
        if isinstance(error, TemplateFault):
            raise
        raise TemplateFault(1, "the template is nested too deeply to be read", "write a simpler one") from None

    def fill(values: Mapping[str, str | list[str]]) -> str:
        length, parts = 0, []
        for part in template.generate(**values):
            parts.append(part)
            length += len(part)
            if length > _LONGEST_TEXT:
                break
        return "".join(parts)[:_LONGEST_TEXT]

    return fill


def _filled(fill: Fill, values: Values) -> str:
    try:
        return fill(values)
    except Exception as error:
        # Whatever a template comes upon, the notice must be told: its caller tells the usual words.
        raise RenderingFailed(str(error)[:300] or type(error).__name__, _line_of(error)) from error


def _line_of(error: Exception) -> int:
    """The template's line that Jinja has put into the error's traceback."""
    line, trace = 1, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
