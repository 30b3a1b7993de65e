#!/bin/sh
# Inside of the container, without a network: kick the tires. The results of the tiny study go to /work.
set -eu
export PATH="/opt/ablatrix/bin:$PATH" HOME=/root
cd /artifact
ablatrix doctor --no-measure
ablatrix verify .
ablatrix reproduce . --study tiny --out /work/tiny-again
