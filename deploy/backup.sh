#!/bin/sh
# A night's backup: on Sundays of everything, else of what changed since the night before.
#
#   backup.sh FOLDER      writes to FOLDER/2026-11-28, and checks it
#
# Started again on the same day, it continues a backup that was interrupted. It deletes no backup: see docs/backup.md.
set -eu
umask 077
folder=$1
today=$folder/$(date -u +%F)
python=${PYTHON:-python}

latest=
for manifest in "$folder"/*/manifest.json; do
    [ -f "$manifest" ] && latest=${manifest%/manifest.json}  # they sort by date: the last one stays
done
if [ -f "$today/manifest.json" ]; then
    echo "$today is finished already."
elif [ -z "$latest" ] || [ "$(date -u +%u)" = 7 ]; then
    "$python" manage.py backup "$today"
else
    "$python" manage.py backup "$today" --since "$latest"
fi
exec "$python" manage.py verify_backup "$today"
