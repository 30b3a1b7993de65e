"""What a pull request says of two builds of a compiler, and whether a policy lets it pass."""

from ablatrix.pull_request.gate import OUTCOMES, Check, Gate, State, hold_against
from ablatrix.pull_request.junit import junit_text
from ablatrix.pull_request.markdown import markdown_text
from ablatrix.pull_request.policy import DEFAULT_POLICY, Exemption, Policy, load_policy, policy_schema_text

__all__ = [
    "DEFAULT_POLICY",
    "OUTCOMES",
    "Check",
    "Exemption",
    "Gate",
    "Policy",
    "State",
    "hold_against",
    "junit_text",
    "load_policy",
    "markdown_text",
    "policy_schema_text",
]
