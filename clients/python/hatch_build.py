"""Makes the stubs of Ballast's services with protoc, before a wheel or an editable install is packed."""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# the protos of a checkout, and where an sdist keeps its copy of them
CHECKOUT = Path("../../proto/src/main/protobuf")
COPY = Path("proto")


class ProtoStubs(BuildHookInterface):
    """Generates `ballast.<service>.v1` into src/, where git ignores them; an sdist takes the protos instead."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        protos = root / COPY if (root / COPY).is_dir() else root / CHECKOUT
        sources = sorted((protos / "ballast").rglob("*.proto"))
        if not sources:
            raise FileNotFoundError(f"{protos}: no protos (expected: a checkout of Ballast, or its sdist)")
        if self.target_name == "sdist":
            build_data["force_include"][str(protos / "ballast")] = str(COPY / "ballast")
            return
        generate(protos, sources, root / "src")


def generate(protos: Path, sources: list[Path], target: Path) -> None:
    """Runs protoc, and makes packages of the folders that it writes; what an earlier build left goes."""
    from grpc_tools import protoc

    for stale in (target / "ballast").glob("*/v1"):
        shutil.rmtree(stale)
    well_known = files("grpc_tools") / "_proto"
    arguments = ["protoc", f"-I{protos}", f"-I{well_known}"]
    arguments += [f"--{kind}_out={target}" for kind in ("python", "pyi", "grpc_python")]
    if protoc.main([*arguments, *(str(source.relative_to(protos)) for source in sources)]) != 0:
        raise RuntimeError("protoc failed; it has said why")
    for source in sources:
        for folder in (source.parent, source.parent.parent):
            (target / folder.relative_to(protos) / "__init__.py").touch()
