"""What of a faulty study can still be checked against the catalogue, so that all faults are reported at once.

Whatever breaks a rule of the file is taken out, part by part, until the rest is a study. Faults of names in that rest
are faults of the file, but for those that follow from what was taken out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from ablatrix.documents.faults import LineIndex, Location
from ablatrix.study.model import CompilerChoice, Study
from ablatrix.study.part import Part
from ablatrix.study.stage import Stage
from ablatrix.study.workload_choice import WorkloadChoice

STAND_INS: Mapping[str, Any] = {
    "name": "study", "workloads": ["mlp"], "compilers": ["tvm"], "modes": ["cold"],
    "stages": [{"name": "none", "factorial": {"fusion": ["off"]}}],
}  # fmt: skip
"""What replaces a required key that is missing or had to go; no fault below it is reported."""
ENTRIES: Mapping[str, type[Part]] = {"workloads": WorkloadChoice, "compilers": CompilerChoice, "stages": Stage}
MAX_ROUNDS = 100


@dataclass(frozen=True)
class PartialStudy:
    """A study made of what is valid in a file.

    Attributes:
        study: The study.
        removed: Locations in the file of what is not in it.
        kept: For each list in the file, by its location: the indices of the items that are in the study.
        later: Faults that only show when others are out of the way: rules on several keys together, by location.
    """

    study: Study
    removed: frozenset[Location]
    kept: Mapping[Location, tuple[int, ...]]
    later: tuple[tuple[Location, str], ...]

    def original(self, location: Location) -> Location | None:
        """Return where in the file a location of the study is; None if a fault there follows from what was removed."""
        found = _in_file(location, self.kept)
        return None if any(found[: len(one)] == one for one in self.removed) or self._follows(found) else found

    def _follows(self, location: Location) -> bool:
        gone = {one[0] for one in self.removed if len(one) <= 2}  # a whole key, or an entry of its list
        match location:
            case ("baseline" | "knobs", *_):
                return "compilers" in gone
            case ("compilers", int(), "builds"):  # how many there are
                return "builds" in gone or any(one[:3] == location for one in self.removed)
            case ("compilers", int(), "knobs", *_):  # a key of the knob is not there
                return any(one[: len(location)] == location for one in self.removed)
            case ("stages", int()):
                return "stages" in gone  # which of them is the first
            case ("stages", int(), "workloads" | "compilers" as key, *_):
                return key in gone
            case _:
                return False


def partial_study(data: Mapping[str, Any]) -> PartialStudy | None:
    """Return what is valid in the plain values of a study file; None where that is not enough for a study."""
    removed: set[Location] = {(key,) for key in STAND_INS if key not in data}
    unchecked: set[Location] = set()  # entries that break a rule on their keys together, each key of which is valid
    unknown: set[Location] = set()  # keys that no rule is about
    later: list[tuple[Location, str]] = []
    for number in range(MAX_ROUNDS):
        kept: dict[Location, tuple[int, ...]] = {}
        rest = _without(data, removed | unchecked, (), kept)
        given = {**rest, **{key: value for key, value in STAND_INS.items() if not rest.get(key)}}
        try:
            study = Study.model_validate(given)
        except ValidationError as invalid:
            before = len(removed) + len(unchecked)
            for fault in invalid.errors():
                location = _in_file(LineIndex(rest).deepest(fault["loc"]), kept)
                if number and fault["type"] == "value_error" and not _lacks(location, removed - unknown):
                    later.append((location, fault["msg"].removeprefix("Value error, ")))
                if fault["type"] == "extra_forbidden":
                    unknown.add(location)
                if fault["type"] == "value_error" and _is_entry(data, location):
                    unchecked.add(location)
                elif location:
                    removed.add(location[:-1] if fault["type"] == "missing" and len(location) > 1 else location)
            if len(removed) + len(unchecked) == before:
                return None
            continue
        study = _with_unchecked(study, data, removed, unchecked - removed, kept)
        return PartialStudy(study, frozenset(removed), kept, tuple(later))
    return None


def _without(node: Any, gone: set[Location], at: Location, kept: dict[Location, tuple[int, ...]]) -> Any:
    """Return a copy without what is gone, and note the indices of the items that stay."""
    if isinstance(node, list):
        kept[at] = tuple(index for index in range(len(node)) if (*at, index) not in gone)
        return [_without(node[index], gone, (*at, index), kept) for index in kept[at]]
    if isinstance(node, dict):
        return {key: _without(value, gone, (*at, key), kept) for key, value in node.items() if (*at, key) not in gone}
    return node


def _with_unchecked(
    study: Study,
    data: Mapping[str, Any],
    removed: set[Location],
    unchecked: set[Location],
    kept: dict[Location, tuple[int, ...]],
) -> Study:
    """Return the study with the entries that were left out for a rule of their own, made without asking that rule."""
    for key, model in ENTRIES.items():
        made = {
            int(one[1]): model.model_construct(**_without(data[key][one[1]], removed, one, kept))
            for one in unchecked
            if one[0] == key
        }
        if made:
            valid = dict(zip(kept[key,], getattr(study, key), strict=False))
            whole = dict(sorted({**valid, **made}.items()))
            kept[key,] = tuple(whole)
            study = study.model_copy(update={key: list(whole.values())})
    return study


def _in_file(location: Location, kept: Mapping[Location, tuple[int, ...]]) -> Location:
    found: Location = ()
    for step in location:
        indices = kept.get(found)
        found = (*found, indices[step] if isinstance(step, int) and indices and step < len(indices) else step)
    return found


def _lacks(location: Location, removed: set[Location]) -> bool:
    """Return whether a key right below a location was removed, so that a rule on its keys may be broken by that."""
    return any(one[:-1] == location for one in removed)


def _is_entry(data: Mapping[str, Any], location: Location) -> bool:
    match location:
        case (str() as key, int() as index) if key in ENTRIES:
            return isinstance(data[key][index], dict) and "name" in data[key][index]
        case _:
            return False
