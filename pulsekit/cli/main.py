"""Define the commands."""

from __future__ import annotations

from pathlib import Path

import click

from .. import __version__

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
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
@click.option("--seed", default=2022, show_default=True, type=int)
@click.option("--quiet", is_flag=True, help="No progress bars.")
def demo(name: str, output: Path, shots: int, seed: int, quiet: bool) -> None:
    """Run circuits and pulse experiments on a real machine's calibration."""
    from .demo import run_demo

    run_demo(name, output=output, shots=shots, seed=seed, progress=not quiet)


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
    import pulsekit

    click.echo(pulsekit.Device.from_snapshot(name).report())
