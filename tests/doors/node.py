"""Clients from npm, where Node is on this machine and finds them: here, or in NODE_PATH."""

import shutil
import subprocess

import pytest


def node_module(name: str) -> str:
    """The file that `require(name)` reads; skips the test where there is none."""
    if shutil.which("node"):
        found = subprocess.run(["node", "-p", f"require.resolve('{name}')"], capture_output=True, text=True)
        if found.returncode == 0:
            return found.stdout.strip()
    pytest.skip(f"no Node, or no {name} in it: npm install {name}")
