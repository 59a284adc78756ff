#!/usr/bin/env bash
# What tests/seminar/test_browser.py needs: Debian's Chromium and its driver, selenium, and axe-core (into build/browser).
# Usage: tools/install_browser.sh [PYTHON]   (as root, or where the packages are there already)
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-.venv/bin/python}
command -v chromium >/dev/null && command -v chromedriver >/dev/null || {
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends chromium chromium-driver
}
"$python" -m pip install --quiet --constraint constraints.txt 'selenium>=4.20'
mkdir -p build/browser
npm install --silent --no-fund --no-audit --prefix build/browser axe-core@4
echo "now: $python -m pytest tests/seminar/test_browser.py"
