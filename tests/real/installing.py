"""Where software that nobody here wrote is kept, and how it gets there.

Each piece lives in a folder of its own below `$WIREMARK_REAL_DIR` (default: `.real` in the checkout) and
is installed once, from pinned packages, by the ordinary clients (`pip`, `npm`). `WIREMARK_REAL=off`
keeps everything from being installed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent
HOME = Path(os.environ.get("WIREMARK_REAL_DIR", CHECKOUT / ".real"))
INSTALL_SECONDS = 300


class NotAvailableError(Exception):
    """The software cannot be had on this machine; the text says why."""


@dataclass(frozen=True)
class Recipe:
    """Pinned packages for one folder: of `pip`, of `npm`, or of both (a Node from `pip` then runs `npm`).

    overrides: pins of what npm's packages need themselves
    """

    name: str
    pip: tuple[str, ...] = ()
    npm: Mapping[str, object] = field(default_factory=dict)
    overrides: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return HOME / self.name

    def installed(self) -> bool:
        """Whether exactly these packages are there."""
        done = self.folder / "installed.json"
        return done.exists() and json.loads(done.read_text()) == self._packages

    @property
    def _packages(self) -> dict[str, object]:
        pinned = {"overrides": dict(self.overrides)} if self.overrides else {}
        return {"pip": list(self.pip), "npm": dict(self.npm), **pinned}

    def install(self) -> Path:
        """The folder with the packages in it, which may take minutes the first time.

        Raises NotAvailableError with the reason.
        """
        folder = self.folder
        if self.installed():
            return folder
        if os.environ.get("WIREMARK_REAL") == "off":
            raise NotAvailableError(f"{self.name} is not installed and WIREMARK_REAL=off")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if self.pip:
            self._run(sys.executable, "-m", "venv", str(folder))
            self._run(str(folder / "bin/pip"), "install", "--quiet", *self.pip)
        if self.npm:
            manifest = {
                "private": True,
                "dependencies": dict(self.npm),
                "overrides": dict(self.overrides),
            }
            (folder / "package.json").write_text(json.dumps(manifest))
            self._run("npm", "install", "--no-audit", "--no-fund", "--silent")
        (folder / "installed.json").write_text(json.dumps(self._packages))
        return folder

    def _run(self, *command: str) -> None:
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
        try:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env={**os.environ, "PATH": path},
                capture_output=True,
                text=True,
                timeout=INSTALL_SECONDS,
                check=False,
            )
        except FileNotFoundError:
            raise NotAvailableError(f"{self.name}: {command[0]} is not installed here") from None
        except subprocess.TimeoutExpired:
            raise NotAvailableError(
                f"{self.name}: the installation took more than {INSTALL_SECONDS} s"
            ) from None
        if done.returncode:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise NotAvailableError(f"{self.name} could not be installed: {' '.join(last)}")
