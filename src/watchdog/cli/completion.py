"""`watchdog completion SHELL`: the script that makes a shell complete verbs and options."""

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def verb(ctx: click.Context, shell: str) -> None:
    """Print the completion script of SHELL: `eval "$(watchdog completion bash)"`."""
    script = get_completion_class(shell)
    assert script is not None
    click.echo(script(ctx.find_root().command, {}, "watchdog", "_WATCHDOG_COMPLETE").source())
