"""The worker's parent process must never load torch: a forked child could not use CUDA."""

import subprocess
import sys


def test_the_worker_app_imports_without_torch() -> None:
    code = """
import sys
for name in ("torch", "torchvision", "timm", "numpy", "fastapi"):
    sys.modules[name] = None
import workers.app
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
