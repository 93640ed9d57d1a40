"""What of Jinja's language a template may use. Its sandbox keeps a template from what is not its business, and lets it
compute for ever: `"x" * 10**10`, loops in loops, `"%9999999999s" % title`. So what is not needed is not there: no
arithmetic, no calls, no attributes, no assignments, no loop within a loop, and loops over `lines` alone.
"""

from collections.abc import Iterator
from itertools import chain

from jinja2 import nodes

from watchdog.templating.facts import LINES, LISTS, VARIABLES
from watchdog.templating.faults import TemplateFault
from watchdog.templating.filters import FILTERS

DEEPEST = 30
HEAVIEST = 5000
"""Steps of a rendering: those in a loop count for each line that a notice may have."""

_THERE_IS = "there are {{ variables }}, filters, {% if %} and {% for line in lines %}; texts are put together by ~"
_LOOP = frozenset({"index", "index0", "first", "last", "length"})
_PLAIN = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.Const, nodes.List, nodes.Tuple, nodes.Concat),
    *(nodes.And, nodes.Or, nodes.Not, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.Keyword),
)
_WORDS = {
    nodes.Call: "a call",
    nodes.Assign: "{% set %}",
    nodes.AssignBlock: "{% set %}",
    nodes.Macro: "{% macro %}",
    nodes.CallBlock: "{% call %}",
    nodes.Include: "{% include %}",
    nodes.Import: "{% import %}",
    nodes.FromImport: "{% from %}",
    nodes.Extends: "{% extends %}",
    nodes.Block: "{% block %}",
    nodes.With: "{% with %}",
    nodes.FilterBlock: "{% filter %}",
    nodes.Dict: "a table in braces",
}


def check(tree: nodes.Template) -> None:
    """Raise TemplateFault for what is not allowed, or does too much."""
    weight = _weigh(tree, frozenset(VARIABLES), looping=False, depth=0)
    if weight > HEAVIEST:
        raise TemplateFault(1, "the template has too many steps", f"{HEAVIEST} are allowed, and it has {weight}")


def _weigh(node: nodes.Node, names: frozenset[str], *, looping: bool, depth: int) -> int:
    """The number of its steps; raises TemplateFault for one that is not allowed."""
    if depth > DEEPEST:
        raise TemplateFault(node.lineno, "the template is nested too deeply", f"nest at most {DEEPEST} levels")
    if isinstance(node, nodes.For):
        return _weigh_loop(node, names, looping=looping, depth=depth)
    _allow(node, names, looping=looping)
    inside: Iterator[nodes.Node] = node.iter_child_nodes()
    if isinstance(node, nodes.Getattr):
        inside = iter(())  # `loop`, which is looked at already
    return 1 + sum(_weigh(child, names, looping=looping, depth=depth + 1) for child in inside)


def _weigh_loop(node: nodes.For, names: frozenset[str], *, looping: bool, depth: int) -> int:
    if looping:
        raise TemplateFault(node.lineno, "a loop stands within a loop", "loop over lines once")
    source = node.iter.node if isinstance(node.iter, nodes.Getitem) else node.iter
    if not isinstance(source, nodes.Name) or source.name not in LISTS:
        raise TemplateFault(node.lineno, "a loop is over `lines` alone", "write {% for line in lines %}")
    if not isinstance(node.target, nodes.Name) or node.recursive:
        raise TemplateFault(node.lineno, "a loop gives one name to each line", "write {% for line in lines %}")
    once = _weigh(node.iter, names, looping=False, depth=depth + 1)
    known = names | {node.target.name}
    each = chain(node.body, [node.test] if node.test is not None else [])
    many = sum(_weigh(child, known, looping=True, depth=depth + 1) for child in each)
    return once + LINES * many + sum(_weigh(child, names, looping=False, depth=depth + 1) for child in node.else_)


def _allow(node: nodes.Node, names: frozenset[str], *, looping: bool) -> None:
    match node:
        case nodes.Name():
            _allow_name(node, names, looping=looping)
        case nodes.Getattr():
            if isinstance(node.node, nodes.Name):
                _allow_name(node.node, names | {"loop"} if looping else names, looping=looping)
            if not (looping and _is_loop(node.node) and node.attr in _LOOP):
                remedy = "write the name of a variable; of `loop`, within a loop, there are " + ", ".join(sorted(_LOOP))
                raise TemplateFault(node.lineno, f".{node.attr} is not there", remedy, word=node.attr)
        case nodes.Filter():
            if node.name not in FILTERS:
                raise TemplateFault(
                    node.lineno, f"there is no filter {node.name}", "", word=node.name, known=sorted(FILTERS)
                )
            if node.dyn_args is not None or node.dyn_kwargs is not None or node.node is None:
                raise TemplateFault(node.lineno, f"`{node.name}` is not used like that", "write {{ value|filter }}")
        case nodes.Getitem() | nodes.Slice() | nodes.Neg():
            _allow_places(node)
        case nodes.Test():
            remedy = "each variable is there, and empty where a notice has no such thing: write {% if rule %}"
            raise TemplateFault(node.lineno, "`is` is not allowed in a template", remedy, word="is")
        case _ if not isinstance(node, _PLAIN):
            word = _WORDS.get(type(node), f"`{getattr(node, 'operator', type(node).__name__.lower())}`")
            raise TemplateFault(node.lineno, f"{word} is not allowed in a template", _THERE_IS)


def _allow_name(node: nodes.Name, names: frozenset[str], *, looping: bool) -> None:
    if node.name in names:
        return
    if node.name == "loop":
        what = "`loop` is no text" if looping else "`loop` stands outside of a loop"
        raise TemplateFault(node.lineno, what, "write loop.index within {% for line in lines %}", word="loop")
    if node.name == "secret":
        what, remedy = "a secret stands in a template", "secrets lead to a channel, and are told nobody"
        raise TemplateFault(node.lineno, what, remedy, word="secret")
    raise TemplateFault(node.lineno, f"there is no variable {node.name}", "", word=node.name, known=sorted(names))


def _allow_places(node: nodes.Getitem | nodes.Slice | nodes.Neg) -> None:
    """Numbers alone: `lines[0]`, `lines[:3]`, `lines[-1]`."""
    if isinstance(node, nodes.Getitem):
        fine = isinstance(node.arg, nodes.Slice) or _is_number(node.arg)
    elif isinstance(node, nodes.Slice):
        fine = all(part is None or _is_number(part) for part in (node.start, node.stop, node.step))
    else:
        fine = _is_number(node)
    if not fine:
        raise TemplateFault(node.lineno, "what stands in brackets is no number", "write lines[0] or lines[:3]")


def _is_number(node: nodes.Node) -> bool:
    inner = node.node if isinstance(node, nodes.Neg) else node
    return isinstance(inner, nodes.Const) and type(inner.value) is int


def _is_loop(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Name) and node.name == "loop"
