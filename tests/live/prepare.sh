#!/usr/bin/env bash
# Makes sure that the Python environment of one live test exists, and prints its folder.
#
#   tests/live/prepare.sh mlflow      # prints …/target/live/mlflow
#
# The environment is made once for each version of the files `requirements.txt` and
# `constraints.txt`; what pip says goes to standard error. Called by `cargo xtask live` and by
# tests/live/environment.rs, so that both use the same environments.
set -euo pipefail

name=${1:?usage: prepare.sh NAME}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
wanted=$here/$name
[[ -f $wanted/requirements.txt ]] || { echo "no requirements in $wanted" >&2; exit 2; }

target=${CARGO_TARGET_DIR:-$here/../../target}
mkdir -p "$target/live"
folder=$(cd "$target/live" && pwd)/$name

# Two test runs at once make one environment, not half of two.
if command -v flock >/dev/null; then
  exec 9>"$folder.lock"
  flock 9
fi

if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
  if [[ ${CI:-} == true && $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    { apt-get update && apt-get install --yes --no-install-recommends python3 python3-venv; } >&2 </dev/null
  else
    echo "the live tests need python3 with venv; on Debian: apt-get install python3 python3-venv" >&2
    exit 2
  fi
fi
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
  || { echo "the pinned versions need Python 3.11 or later; this is $(python3 --version)" >&2; exit 2; }

stamp=$(cat "$wanted"/*.txt | cksum; python3 --version)
if [[ ! -f $folder/stamp || $(<"$folder/stamp") != "$stamp" ]]; then
  echo "installing $name into $folder (once; minutes)" >&2
  rm -rf "$folder"
  python3 -m venv "$folder" >&2
  # Compiled at once: the first start of a server would otherwise compile for a minute.
  (cd "$wanted" && "$folder/bin/pip" install --quiet --no-input --disable-pip-version-check --compile \
    --requirement requirements.txt) >&2 </dev/null
  # Versions that work although a package's own metadata refuses them.
  if [[ -f $wanted/overrides.txt ]]; then
    "$folder/bin/pip" install --quiet --no-input --disable-pip-version-check --compile --no-deps \
      --requirement "$wanted/overrides.txt" >&2 </dev/null
  fi
  printf '%s' "$stamp" >"$folder/stamp"
fi
printf '%s\n' "$folder"
