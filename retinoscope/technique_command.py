"""A command whose help shows the techniques, or the parameters of the one that is named."""

from typing import Any

from typer.core import TyperCommand

from catalog.errors import UnknownTechnique
from retinoscope.arguments import SERVER_OPTIONS
from retinoscope.list_techniques import describe_technique, list_techniques


class TechniqueCommand(TyperCommand):
    """A command with a technique as its first argument."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Keep the words of the command line: help is shown before they are read."""
        ctx.meta["retinoscope.words"] = list(args)
        return super().parse_args(ctx, args)

    def get_help(self, ctx: Any) -> str:
        """Return the help of the command, and below it techniques or parameters."""
        words = ctx.meta.get("retinoscope.words", [])
        name = next((word for word in words if not word.startswith("-")), "")
        general = super().get_help(ctx)
        if ctx.info_name == "submit":
            general += f"Options of every job: {', '.join(f'--{x}' for x in SERVER_OPTIONS)}\n"
        try:
            lines = list(describe_technique(name)) if name else []
        except UnknownTechnique:
            lines = []
        if not lines:
            hint = f"Parameters: retinoscope {ctx.info_name} TECHNIQUE --help"
            lines = ["Techniques:", *(f"  {line}" for line in list_techniques()), "", hint]
        return "\n".join([general, *lines])
