#!/bin/sh
# Builds the driver where it is missing or older than its source, then becomes it.
here=$(dirname "$0")
driver=$here/.driver
if [ ! "$driver" -nt "$here/driver.cpp" ]; then
    g++ -std=c++17 -O2 -o "$driver.$$" "$here/driver.cpp" -ldl >&2 && mv "$driver.$$" "$driver" || exit 1
fi
exec "$driver" "$here" "$@"
