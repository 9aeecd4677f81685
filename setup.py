"""Build the Cython kernels, one compiled copy per instruction-set level.

Every ``pulsekit/_ext/*.pyx`` listed in KERNELS is compiled several times,
into ``pulsekit._ext.<level>``: "baseline" everywhere, and on x86-64 "v3"
(AVX2, FMA) and "v4" (AVX-512) too. ``pulsekit._ext`` picks one at import, so
that one wheel runs on any machine. -ffp-contract is fixed, and results are
equal bit by bit within one level.
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

ROOT = Path(__file__).parent
EXT = Path("pulsekit") / "_ext"
HEADERS = sorted(str(EXT / p.name) for p in (ROOT / EXT).glob("*.h"))
KERNELS = sorted(p.stem for p in (ROOT / EXT).glob("*.pyx") if p.stem != "cpu")

COMMON = ["-O3", "-g0", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fcx-limited-range"]
LEVELS = {"baseline": []}
if platform.machine().lower() in ("x86_64", "amd64") and sys.platform != "win32":
    fast = ["-ffp-contract=fast"]
    LEVELS["v3"] = ["-march=x86-64-v3", "-mtune=generic", *fast]
    LEVELS["v4"] = ["-march=x86-64-v4", "-mtune=generic", "-mprefer-vector-width=512", *fast]
if sys.platform == "win32":
    COMMON = ["/O2", "/fp:precise"]

DIRECTIVES = {
    "language_level": "3",
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
    "embedsignature": True,
}


def extensions() -> list:
    """Return the cythonized extensions of every level."""
    os.chdir(ROOT)
    out = cythonize(
        [Extension("pulsekit._ext.cpu", [str(EXT / "cpu.pyx")])],
        compiler_directives=DIRECTIVES,
        build_dir=os.path.join("build", "cython"),
        quiet=True,
    )
    for level, flags in LEVELS.items():
        out += cythonize(
            [
                Extension(
                    f"pulsekit._ext.{level}.{kernel}",
                    [str(EXT / f"{kernel}.pyx")],
                    include_dirs=[str(EXT)],
                    depends=HEADERS,
                    extra_compile_args=COMMON + flags,
                )
                for kernel in KERNELS
            ],
            compiler_directives=DIRECTIVES,
            build_dir=os.path.join("build", "cython", level),
            quiet=True,
        )
    return out


setup(ext_modules=extensions(), options={"build_ext": {"parallel": os.cpu_count() or 1}})
