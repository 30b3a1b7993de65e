"""Settings: any pass, flag, option or property of a compiler as a knob of a study, by its address.

A compiler lists its addresses (``Address``) in a process of its own; a study's knob is checked against that list and
becomes an entry of the catalogue that says how it acts; ``Applied`` is what one configuration sets, for the adapter.
"""

from ablatrix.compilers.settings.address import LIMIT, Address, AddressList
from ablatrix.compilers.settings.applied import NO_SETTINGS, ORDER, Applied, environment_of
from ablatrix.compilers.settings.asking import ask_addresses
from ablatrix.compilers.settings.in_build import knob_in_build
from ablatrix.compilers.settings.knob import add_settings, setting_knob

__all__ = [
    "LIMIT",
    "NO_SETTINGS",
    "ORDER",
    "Address",
    "AddressList",
    "Applied",
    "add_settings",
    "ask_addresses",
    "environment_of",
    "knob_in_build",
    "setting_knob",
]
