"""The checks of a pull request as JUnit XML, which continuous integration shows by itself."""

from collections.abc import Sequence
from xml.etree import ElementTree

from ablatrix.foreign_text import printed
from ablatrix.pull_request.gate import Check, Gate

SUITE = "ablatrix pr"


def junit_text(gate: Gate) -> str:
    """Return the checks as XML: a suite for each compiler, a case for each workload and metric.

    What fails is a failure; what is open, or not the policy's concern, is skipped with its reason.
    """
    by_compiler: dict[str, list[Check]] = {}
    for check in gate.checks:
        by_compiler.setdefault(check.compiler, []).append(check)
    root = ElementTree.Element("testsuites", {"name": SUITE, **_counts(gate.checks)})
    for compiler, checks in by_compiler.items():
        name = f"{gate.report.base} -> {gate.report.head} on {compiler}"
        suite = ElementTree.SubElement(root, "testsuite", {"name": printed(name), **_counts(checks)})
        for check in checks:
            _add_case(suite, check)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add_case(suite: ElementTree.Element, check: Check) -> None:
    named = {"classname": printed(f"{check.compiler}.{check.workload}"), "name": check.what, "time": "0"}
    case = ElementTree.SubElement(suite, "testcase", named)
    reason = printed(check.reason)
    if check.state == "fails":
        ElementTree.SubElement(case, "failure", {"message": reason, "type": check.what})
    elif check.state == "passes":
        ElementTree.SubElement(case, "system-out").text = reason
    else:
        ElementTree.SubElement(case, "skipped", {"message": f"{check.state}: {reason}"})


def _counts(checks: Sequence[Check]) -> dict[str, str]:
    states = [check.state for check in checks]
    skipped = states.count("open") + states.count("not counted")
    return {
        "tests": str(len(states)),
        "failures": str(states.count("fails")),
        "errors": "0",
        "skipped": str(skipped),
        "time": "0",
    }
