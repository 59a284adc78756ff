#!/usr/bin/env bash
# land.sh TESTS... : gate and merge
set -e
cd /tmp/wt/kernels; export PYTHONPATH=$PWD/src OMP_NUM_THREADS=1 PATH=/tmp/venv/bin:$PATH
exec 9>/tmp/merge.lock; flock 9
git rebase -q main
ruff format --check -q src tests benchmarks && ruff check -q src tests benchmarks && pydoclint --quiet src && mypy && lint-imports | tail -1
[ $# -eq 0 ] || /tmp/bin/slot pytest -q -m 'not slow' "$@" 2>&1 | tail -5
cd /work/main && git merge -q --ff-only kernels && git log --oneline -1
