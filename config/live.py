"""What a container's health check runs: exit status 0 when this machine's service answers /health/live."""

import os
import sys
import urllib.request

port = os.environ.get("PORT", "").strip() or "8000"
try:
    # No proxy, whatever the environment says; localhost is in ALLOWED_HOSTS, or should be.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://localhost:{port}/health/live", timeout=4):
        pass
except OSError as error:
    sys.exit(f"not alive: {error}")
