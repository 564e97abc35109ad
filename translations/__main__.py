"""``python -m translations``: bring the catalogues in line with the code, and compile them."""

import os

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from translations import catalogues

    missing = catalogues.update()
    print(f"{missing} translations are missing." if missing else "Everything is translated.")
