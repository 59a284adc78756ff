"""The command line: one file per noun, each thin (parse, call, print). `main` is the entry point of `germ`.

Library code is imported inside the commands, so that `germ rlct` starts without torch and `germ --help` at once.
"""

from __future__ import annotations

import errno
import sys

import typer

from germ.cli.atlas import atlas
from germ.cli.compare import compare
from germ.cli.criteria import criteria
from germ.cli.jets import jets
from germ.cli.llc import llc
from germ.cli.rlct import rlct
from germ.cli.seminar import seminar
from germ.cli.tour import tour
from germ.cli.verify import verify
from germ.errors import GermError

app = typer.Typer(name="germ", help="Singular learning theory as working software.", no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def _options() -> None:
    """Singular learning theory as working software."""


@app.command()
def version() -> None:
    """Print the version of germ."""
    import germ

    typer.echo(germ.__version__)


app.command("compare", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(compare)
app.command("criteria")(criteria)
app.add_typer(atlas, name="atlas")
app.command("jets")(jets)
app.command("llc")(llc)
app.add_typer(seminar, name="seminar")
app.command("rlct")(rlct)
app.command("tour")(tour)
app.command("verify")(verify)


def main() -> None:
    """Run the command line; a `GermError`, or a full disk, becomes one message on standard error and exit code 2."""
    try:
        app()
    except GermError as error:
        print(f"germ: {type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        print(f"germ: the output cannot be written: {error.strerror}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("germ: interrupted", file=sys.stderr)
        sys.exit(130)
