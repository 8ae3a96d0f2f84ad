#!/bin/sh
# Inside the target's root file system: builds the wheel and the environment /usr/lib/watchkeeper from /wheels, no network.
set -e
unset PIP_FIND_LINKS
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_INDEX=1 LC_ALL=C.UTF-8 HOME=/root
python3 -m venv /build
/build/bin/pip install --quiet --no-deps --require-hashes --find-links /wheels/build -r /wheels/build.txt
PATH="/build/bin:$PATH" /build/bin/pip wheel --quiet --no-build-isolation --no-deps \
  --config-settings build-dir=/native --wheel-dir /wheels/own /src
python3 -m venv --system-site-packages /usr/lib/watchkeeper
pip() { /usr/lib/watchkeeper/bin/pip install --quiet --no-deps --ignore-installed --no-compile "$@"; }
pip --require-hashes --find-links /wheels/run -r /wheels/run.txt
pip /wheels/own/*.whl
/usr/lib/watchkeeper/bin/python3 -m pip uninstall --quiet --yes setuptools pip 2>/dev/null ||
  /usr/lib/watchkeeper/bin/python3 -m pip uninstall --quiet --yes pip
rm -f /usr/lib/watchkeeper/bin/activate* /usr/lib/watchkeeper/bin/Activate* /usr/lib/watchkeeper/bin/pip*
rm -rf /usr/lib/watchkeeper/include /usr/lib/watchkeeper/lib64
# Only our own command: those of the libraries (python-can's, tqdm's ...) are not for the path.
find /usr/lib/watchkeeper/bin -type f ! -name watchkeeper -delete
# By content, not by date: valid whatever the package's clock says, and never written again.
find /usr/lib/watchkeeper -name __pycache__ -prune -exec rm -rf {} +
/usr/lib/watchkeeper/bin/python3 -m compileall -q --invalidation-mode unchecked-hash /usr/lib/watchkeeper/lib
