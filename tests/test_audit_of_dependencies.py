"""The audit of dependencies says so where it cannot know."""

from tests.audit import findings


def test_vulnerabilities_and_unanswered_packages_are_told() -> None:
    assert findings(
        [
            {"name": "good", "version": "1", "vulns": []},
            {"name": "unknown", "skip_reason": "it is not found"},
            {
                "name": "bad",
                "version": "2",
                "vulns": [
                    {"id": "PYSEC-1", "fix_versions": ["2.1", "3.0"]},
                    {"id": "PYSEC-2", "fix_versions": []},
                ],
            },
        ]
    ) == [
        "unknown was not audited: it is not found",
        "bad 2: PYSEC-1, mended in 2.1, 3.0",
        "bad 2: PYSEC-2, mended in no version yet",
    ]
