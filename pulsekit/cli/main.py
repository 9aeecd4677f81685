"""Define the commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .. import __version__
from ..errors import PulsekitError

__all__ = ["main"]

DEMO_QUBITS = 3  # of its largest circuit


class _Commands(click.Group):
    """Commands that tell in one line what pulsekit refuses."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PulsekitError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="pulsekit")
def main() -> None:
    """Compile, schedule and simulate pulses for superconducting qubits."""


@main.command()
@click.option("--backend", "name", default="ibm_perth", show_default=True, help="A device of `pulsekit backends`.")
@click.option(
    "--output",
    default="pulsekit_demo.png",
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the report goes.",
)
@click.option("--shots", default=4000, show_default=True, type=click.IntRange(100, 100_000))
@click.option("--seed", default=2022, show_default=True, type=click.IntRange(0, 2**32 - 1))
@click.option("--quiet", is_flag=True, help="No progress bars.")
def demo(name: str, output: Path, shots: int, seed: int, quiet: bool) -> None:
    """Run circuits and pulse experiments on a real machine's calibration."""
    _check_demo(name, output)
    from .demo import run_demo

    run_demo(name, output=output, shots=shots, seed=seed, progress=not quiet)


def _check_demo(name: str, output: Path) -> None:
    """Refuse, before anything is tuned, what the demo would fail with minutes later."""
    from ..backend.provider import untuned_device

    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise click.ClickException("The demo draws with matplotlib: pip install 'pulsekit[plot]'.") from error
    qubits = untuned_device(name).n_qubits
    if qubits < DEMO_QUBITS:
        raise click.BadParameter(
            f"{name} has {qubits} of the {DEMO_QUBITS} qubits that the demo needs.", param_hint="--backend"
        )
    if not output.absolute().parent.is_dir():
        raise click.BadParameter(f"There is no folder {str(output.parent)!r}.", param_hint="--output")
    formats = Figure().canvas.get_supported_filetypes()
    if output.suffix[1:].lower() not in formats:
        raise click.BadParameter(f"{output.name!r} must end with one of {', '.join(formats)}.", param_hint="--output")


@main.command()
def backends() -> None:
    """List every device that a backend can be made of."""
    import pulsekit

    for backend in pulsekit.backends():
        click.echo(backend)


@main.command()
@click.argument("name")
def device(name: str) -> None:
    """Print what was published, derived and assumed about a device."""
    from ..backend.provider import untuned_device

    click.echo(untuned_device(name).report())
