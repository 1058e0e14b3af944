#!/usr/bin/env bash
# .venv exists, runs, and holds exactly the pinned requirements. Does nothing when the lock file has not changed.
set -euo pipefail
cd "$(dirname "$0")/.."
lock=deploy/requirements/dev.txt
stamp=.venv/.requirements-hash

runs_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
can_make_venvs() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

find_python() {
  local candidate without_venv=""
  for candidate in ${PYTHON:-} python3.11 python3.12 python3.13 python3.14 python3; do
    if command -v "$candidate" >/dev/null 2>&1 && runs_new_enough "$candidate"; then
      if can_make_venvs "$candidate"; then command -v "$candidate"; return; fi
      without_venv=$candidate
    fi
  done
  if [ -n "$without_venv" ]; then
    echo "$without_venv cannot make virtual environments: its venv or ensurepip module is missing." >&2
    echo "On Debian or Ubuntu: apt-get install ${without_venv}-venv" >&2
  else
    echo "No Python >= 3.11 found on PATH (tried python3.11 to python3.14 and python3). Install one, or name it: make setup PYTHON=/path/to/python" >&2
  fi
  return 1
}

wanted() { .venv/bin/python -c 'import hashlib, sys
print(hashlib.sha256(open(sys.argv[1], "rb").read() + sys.version.encode()).hexdigest())' "$lock"; }

# A .venv that was copied, or whose Python is gone, is made anew: it holds nothing that cannot be installed again.
if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
  python=$(find_python)
  echo "Making .venv with $python"
  rm -rf .venv
  "$python" -m venv .venv
fi
if [ "$(cat "$stamp" 2>/dev/null)" != "$(wanted)" ]; then
  echo "Installing the pinned requirements"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement "$lock"
  wanted > "$stamp"
fi
