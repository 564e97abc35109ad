// Shows how a run goes without loading the page anew, until it ends: then the page tells what came of it.
'use strict';
(function () {
    const bar = document.getElementById('run-progress');
    const told = document.getElementById('run-told');
    const state = document.getElementById('run-state');
    const SECONDS_BETWEEN = 1;
    let failures = 0;

    function show(progress) {
        if (progress.total > 0) {
            bar.max = progress.total;
            bar.value = progress.done;
        }
        told.textContent = progress.told;
        document.getElementById('run-place').textContent = progress.place;
        document.getElementById('run-heard').textContent = progress.last_seen;
        // Written only when it changes: a screen reader speaks of it each time.
        if (state.textContent !== progress.shown_state) {
            state.textContent = progress.shown_state;
        }
    }

    async function look() {
        try {
            const answer = await fetch(bar.dataset.url, {headers: {Accept: 'application/json'}});
            if (answer.redirected) { // logged out meanwhile
                window.location.reload();
                return;
            }
            if (!answer.ok) {
                throw new Error(String(answer.status));
            }
            const progress = await answer.json();
            failures = 0;
            show(progress);
            if (!progress.is_active) {
                window.location.reload();
                return;
            }
        } catch (error) {
            failures += 1;
            if (failures > 2) {
                told.textContent = 'The service does not answer; the migration goes on by itself. Trying again …';
            }
        }
        window.setTimeout(look, 1000 * SECONDS_BETWEEN * Math.min(1 + failures, 10));
    }

    window.setTimeout(look, 1000 * SECONDS_BETWEEN);
}());
