#!/usr/bin/env bash
# Make a virtual environment with the first Python that is new enough. Usage: requirements/venv.sh DIRECTORY
# PYTHON names one outright.
set -euo pipefail

new_enough='import sys; sys.exit(sys.version_info < (3, 11))'
found=""
candidates=${PYTHON:-python3 python3.11 python3.12 python3.13 python3.14 python}
for candidate in $candidates; do
    if command -v "$candidate" >/dev/null 2>&1 && "$candidate" -c "$new_enough" 2>/dev/null; then
        found=$candidate
        break
    fi
done

if [ -z "$found" ]; then
    echo "Zhongshu needs Python 3.11 or newer and found none. Looked for: $candidates" >&2
    echo "Install it (Debian, Ubuntu: apt install python3.11 python3.11-venv) or say where it is: make run PYTHON=/path/to/python3.11" >&2
    exit 1
fi
if ! "$found" -c 'import venv, ensurepip' 2>/dev/null; then
    version=$("$found" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "$found has no venv module. Install it (Debian, Ubuntu: apt install python$version-venv), then run make again." >&2
    exit 1
fi
"$found" -m venv "$1"
