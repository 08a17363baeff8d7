"""Freed memory is used again instead of being requested from the kernel again."""

import subprocess
import sys

PROGRAM = """
import resource, sys
if sys.argv[1] == "kept":
    from jobs.process import keep_freed_memory
    keep_freed_memory()
import torch
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def use():
    for n in (2, 8, 24, 64):
        torch.ones(n, 64, 56, 56) + torch.ones(n, 64, 56, 56)
for _ in range(10):
    use()
before = faults()
for _ in range(5):
    use()
print(faults() - before)
"""


def faults(how: str) -> int:
    made = subprocess.run(
        [sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True
    )
    return int(made.stdout)


def test_a_tensor_takes_the_pages_of_the_one_before() -> None:
    assert faults("kept") < faults("given back") / 2
