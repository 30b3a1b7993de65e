# Set-up shared by the other scripts and .ci/run: sourced, never run.
#
# Makes .venv at the root of the repository if there is none, and installs requirements.lock into it, exactly.
# PYTHON=/path/to/python3.12 chooses the interpreter of a new .venv. pip's own settings (PIP_INDEX_URL,
# PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS) are honoured. Defines ROOT, BIN, say(), fail(), need_cxx() and set_up().

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BIN=$ROOT/.venv/bin

say() { printf '== %s\n' "$*" >&2; }

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 2
}

new_enough() { "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    if [[ -n ${PYTHON:-} ]]; then
        new_enough "$PYTHON" || fail "PYTHON=$PYTHON is not a Python >= 3.11 with the venv and ensurepip modules"
        printf '%s\n' "$PYTHON"
        return
    fi
    local candidate
    for candidate in python3.11 python3.12 python3.13 python3 python; do
        if command -v "$candidate" >/dev/null && new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    fail "no Python >= 3.11 with venv was found; install one (Debian: apt install python3 python3-venv)" \
        "or name it: PYTHON=/path/to/python3.11 $0"
}

find_cxx() {
    local candidate
    for candidate in ${CXX:-} g++ c++ clang++; do
        if command -v "$candidate" >/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    fail "no C++ compiler was found (tried CXX, g++, c++, clang++), and compiled workloads are linked with one;" \
        "install one (Debian: apt install g++; Fedora: dnf install gcc-c++)"
}

need_cxx() {
    local cxx
    cxx=$(find_cxx)
    say "C++ compiler: $cxx"
}

set_up() {
    local python stamp wanted
    if [[ ! -x $BIN/python ]]; then
        python=$(find_python)
        say "making .venv with $python"
        "$python" -m venv "$ROOT/.venv" >&2
    fi
    new_enough "$BIN/python" || fail "$BIN/python is older than 3.11 or broken; remove $ROOT/.venv and start again"

    # The stamp holds what was installed: the lock, the project's metadata, the interpreter and the place.
    stamp=$ROOT/.venv/installed-from
    wanted=$(cat "$ROOT"/{requirements.lock,pyproject.toml,src/ablatrix/version.py} <("$BIN/python" -VV) \
        <(printf '%s' "$ROOT") |
        "$BIN/python" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())')
    if [[ -r $stamp && $(<"$stamp") == "$wanted" ]]; then
        say "dependencies are as locked"
        return
    fi
    rm -f "$stamp"
    say "installing requirements.lock (about two minutes on a fast line)"
    "$BIN/python" -m pip install --disable-pip-version-check --quiet -r "$ROOT/requirements.lock" >&2
    "$BIN/python" -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e "$ROOT" >&2
    printf '%s\n' "$wanted" >"$stamp"
    say "installed"
}
