"""Hold the import rules of docs/architecture.md by walking the sources."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Iterator, List, Set, Tuple

import networkx as nx
import pytest

import pulsekit
from pulsekit._ext import cpu, kernel

ROOT = Path(pulsekit.__file__).parent
EVERYBODY = {"errors", "units", "cache"}
BACKEND = {"program", "device", "compiler", "simulator", "readout", "calibration", "execution", "store", "interop"}
ALLOWED = {
    "_ext": set(),
    "program": set(),
    "device": {"program"},
    "compiler": {"program", "device", "_ext"},
    "simulator": {"program", "device", "_ext"},
    "readout": {"program", "device", "_ext"},
    "calibration": {"program", "device", "simulator", "readout"},
    "execution": {"program", "device", "simulator", "readout"},
    "store": set(),
    "interop": {"program", "device", "compiler"},
    "backend": BACKEND,
    "viz": BACKEND | {"backend"},
    "cli": BACKEND | {"backend", "viz"},
    "testing": BACKEND | {"backend"},
}
QISKIT = {"interop", "backend", "viz", "cli", "testing"}
FORBIDDEN_CALLS = {"eval", "exec"}


def modules() -> Iterator[Path]:
    return (p for p in sorted(ROOT.rglob("*.py")) if p.parent != ROOT)


def imports(path: Path, *, loading: bool = False) -> Iterator[Tuple[str, int]]:
    """Yield (absolute module name, line) of every import: at any depth of the code, or those that run as it loads."""
    package = ["pulsekit", *path.relative_to(ROOT).parent.parts]
    tree = ast.parse(path.read_text(encoding="utf8"))
    for node in tree.body if loading else ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            names = [*base, *(node.module.split(".") if node.module else [])]
            if (ROOT.parent.joinpath(*names)).is_dir() and names[0] == "pulsekit":
                for alias in node.names:
                    yield ".".join([*names, alias.name]), node.lineno
            else:
                yield ".".join(names), node.lineno


def package_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


def test_every_package_has_a_rule() -> None:
    found = {package_of(p) for p in modules()}
    assert found == set(ALLOWED)


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_packages_import_only_what_they_may(package: str) -> None:
    bad = []
    for path in modules():
        if package_of(path) != package:
            continue
        for name, line in imports(path):
            parts = name.split(".")
            if parts[0] == "pulsekit" and len(parts) > 1:
                other = parts[1]
                if other != package and other not in ALLOWED[package] | EVERYBODY | {"__version__"}:
                    bad.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
            if parts[0] in ("qiskit", "qiskit_experiments") and package not in QISKIT:
                bad.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
    assert bad == []


def test_interop_imports_no_more_of_the_compiler_than_the_gate_table() -> None:
    bad = [
        f"{path.name}:{line} imports {name}"
        for path in modules()
        if package_of(path) == "interop"
        for name, line in imports(path)
        if name.startswith("pulsekit.compiler") and name != "pulsekit.compiler.gate_table"
    ]
    assert bad == []


def test_top_level_modules_import_nothing_of_ours() -> None:
    for name in EVERYBODY:
        for imported, line in imports(ROOT / f"{name}.py"):
            assert not imported.startswith("pulsekit"), f"{name}.py:{line} imports {imported}"


def test_modules_load_in_one_direction() -> None:
    """Within a package too, no module needs another that needs it in turn."""
    names = {".".join(p.relative_to(ROOT.parent).with_suffix("").parts): p for p in modules()}
    graph = nx.DiGraph()
    for name, path in names.items():
        for imported, _ in imports(path, loading=True):
            parent = imported.rpartition(".")[0]
            known = next(
                (n for n in (imported, f"{imported}.__init__", parent, f"{parent}.__init__") if n in names), None
            )
            if known is not None:
                graph.add_edge(name, known)
    assert graph.number_of_edges() > 500
    assert sorted(map(sorted, (c for c in nx.strongly_connected_components(graph) if len(c) > 1))) == []


def test_no_leaf_is_imported() -> None:
    for path in modules():
        for name, line in imports(path):
            parts = name.split(".")
            if parts[0] == "pulsekit" and len(parts) > 1 and parts[1] in ("viz", "cli", "testing"):
                assert package_of(path) in ("viz", "cli", "testing"), f"{path}:{line} imports {name}"


def calls(path: Path) -> Set[str]:
    return {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


def test_nothing_is_evaluated_or_unpickled() -> None:
    for path in ROOT.rglob("*.py"):
        assert not calls(path) & FORBIDDEN_CALLS, path
        assert not {n.split(".")[0] for n, _ in imports(path)} & {"pickle", "dill", "marshal", "shelve"}, path
        text = path.read_text(encoding="utf8")
        assert "allow_pickle=True" not in text and "qpy" not in {n.split(".")[-1] for n, _ in imports(path)}, path


def test_kernels_import_nothing_of_pulsekit() -> None:
    for path in (ROOT / "_ext").glob("*.pyx"):
        for line in path.read_text(encoding="utf8").splitlines():
            words = line.split()
            if words[:1] in (["import"], ["from"], ["cimport"]):
                assert "pulsekit" not in line and not line.startswith(("from .", "import .")), f"{path.name}: {line}"
                assert words[:2] != ["cimport", "numpy"], f"{path.name}: {line}"
        assert (ROOT / "_ext" / f"{path.stem}.pyi").exists(), f"{path.name} has no stub"


def test_import_is_light() -> None:
    """`import pulsekit` loads neither qiskit nor scipy nor any package of ours."""
    code = "import sys, pulsekit; print([m for m in sys.modules if m.startswith(('qiskit', 'scipy', 'pulsekit.'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "package", ["program", "device", "compiler", "simulator", "readout", "calibration", "execution", "store"]
)
def test_the_core_runs_without_qiskit(package: str) -> None:
    code = f"import sys, pulsekit.{package}; print([m for m in sys.modules if m.split('.')[0] == 'qiskit'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_public_names_are_importable() -> None:
    for name in pulsekit.__all__:
        assert getattr(pulsekit, name) is not None


@pytest.mark.parametrize("stub", sorted(ROOT.glob("_ext/*.pyi")), ids=lambda path: path.stem)
def test_stubs_name_the_contents_of_their_kernels(stub: Path) -> None:
    nodes = ast.parse(stub.read_text()).body
    named = {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    module = cpu if stub.stem == "cpu" else kernel(stub.stem)
    found = {name for name, value in vars(module).items() if isinstance(value, (type(cpu.level), type))}
    assert named == {name for name in found if not name.startswith("_")}


@pytest.mark.parametrize("stub", sorted(ROOT.glob("_ext/*.pyi")), ids=lambda path: path.stem)
def test_stubs_have_the_arguments_of_their_kernels(stub: Path) -> None:
    source = re.sub(r"\[[^\]]*\]", "", stub.with_suffix(".pyx").read_text(encoding="utf8"))
    for node in ast.parse(stub.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            assert arguments(source, node.name) == [a.arg for a in node.args.args], node.name
        elif isinstance(node, ast.ClassDef):
            (mine,) = re.findall(rf"^cdef class {node.name}\b.*?(?=^\S|\Z)", source, re.MULTILINE | re.DOTALL)
            for method in node.body:
                if isinstance(method, ast.FunctionDef):
                    name = method.name if f"def {method.name}(" in mine else "__cinit__"
                    assert arguments(mine, name) == [a.arg for a in method.args.args], f"{node.name}.{method.name}"


def arguments(source: str, name: str) -> List[str]:
    """Return the names of a function's arguments in a kernel's source."""
    found = re.search(rf"^ *(?:cp)?def (?:\w+ )?{name}\(([^)]*)\)", source, re.MULTILINE)
    assert found, name
    return [part.split("=")[0].split()[-1] for part in found.group(1).split(",") if part.strip()]
