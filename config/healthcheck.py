"""The health check of a container: exits with status 0 if the service on this machine answers /health/live."""

import os
import sys
import urllib.request

port = os.environ.get("PORT", "").strip() or "8000"
try:
    # Without a proxy, whatever the environment says. ALLOWED_HOSTS should contain localhost.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://localhost:{port}/health/live", timeout=4):
        pass
except OSError as error:
    sys.exit(f"not alive: {error}")
