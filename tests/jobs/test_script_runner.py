"""Scripts get their arguments by name, with their types, and read like the rest of the code."""

import re
from importlib.resources import files
from importlib.resources.abc import Traversable

import pytest
from redis import Redis

from jobs import redis_keys, script_runner
from jobs.script_runner import CONSTANTS, ScriptRunner

SCRIPTS = sorted((files("jobs") / "scripts").iterdir(), key=lambda file: file.name)
SHARED = {"common.lua", "statistics.lua", "fair_share.lua", "job.lua", "deliveries.lua"}


def scripts_with(monkeypatch: pytest.MonkeyPatch, **texts: str) -> None:
    """Add scripts to those of the package."""
    real = script_runner.source
    monkeypatch.setattr(script_runner, "source", lambda name: texts.get(name) or real(name))


def test_arguments_arrive_by_name_and_keep_their_types(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    echo = """local key = unpack(KEYS)
local number, flag, text, list, table = ...
return {key, type(number), number + 1, type(flag), text, #list, list[1], table.inner}
"""
    scripts_with(monkeypatch, echo=echo)
    answer = ScriptRunner(redis).run(
        "echo", ["k"], table={"inner": "i"}, list=["a", "ü"], text="'ü\"", flag=False, number=1
    )
    assert answer == ["k", "number", 2, "boolean", "'ü\"", 2, "a", "i"]


def test_many_values_fit_into_one_list(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    scripts_with(monkeypatch, size="local values = ...\nreturn #values")
    assert ScriptRunner(redis).run("size", [], values=["x" * 64] * 20_000) == 20_000


def test_a_shared_file_has_arguments_of_its_own(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts_with(monkeypatch, base="local a, b = ...\n", top="local c = ...\nreturn a .. b .. c")
    assert ScriptRunner(redis, "base").run("top", [], c="3", a="1", b="2") == "123"


@pytest.mark.parametrize("wrong", [{}, {"member": "m"}, {"member": "m", "grace": 1}])
def test_arguments_other_than_those_that_a_script_names_are_refused(
    redis: Redis, wrong: dict[str, str | int]
) -> None:
    with pytest.raises(TypeError, match=r"job_expect.lua takes member, grace_ms"):
        ScriptRunner(redis).run("job_expect", [redis_keys.EXPIRING], **wrong)


def test_constants_have_the_same_values_as_in_python(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts_with(monkeypatch, constants=f"return {{{', '.join(CONSTANTS)}}}")
    assert ScriptRunner(redis).run("constants", []) == list(CONSTANTS.values())
    scripts_with(monkeypatch, key="return string.format(RECORD, '%s')")
    assert ScriptRunner(redis).run("key", []) == redis_keys.job("%s")


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_a_script_describes_its_keys_arguments_and_answers(file: Traversable) -> None:
    text = file.read_text()
    head = re.match(r"(--[^\n]*\n)+", text)
    assert head is not None, "a script begins with a comment"
    assert "ARGV" not in text and "retinoscope:" not in text
    assert "'TIME'" not in text or file.name == "common.lua"
    assert not re.search(r"\bthen\b.*\breturn\b.*\bend\b", text), "one statement per line"
    assert max(map(len, text.splitlines())) <= 100
    if file.name not in SHARED:
        assert "-- Answers " in head[0]
        for line in re.findall(
            r"^local ([\w, ]+) = (?:\.\.\.|unpack\(KEYS\))$", text, re.MULTILINE
        ):
            assert [name for name in line.split(", ") if name not in head[0]] == []
