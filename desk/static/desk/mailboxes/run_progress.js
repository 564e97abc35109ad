// Updates the progress of a run until it ends, then reloads the page to show the result.
'use strict';
(function () {
    const bar = document.getElementById('run-progress');
    const summary = document.getElementById('run-summary');
    const state = document.getElementById('run-state');
    const INTERVAL = 1000; // milliseconds
    let failures = 0;

    async function update() {
        try {
            const response = await fetch(bar.dataset.url, {headers: {Accept: 'application/json'}});
            if (response.redirected) { // to the log-in page
                window.location.reload();
                return;
            }
            if (!response.ok) {
                throw new Error(String(response.status));
            }
            const progress = await response.json();
            failures = 0;
            bar.max = Math.max(progress.total, 1);
            bar.value = progress.done;
            summary.textContent = progress.summary;
            // Written only when it changes: a screen reader reads it out each time.
            if (state.textContent !== progress.state_text) {
                state.textContent = progress.state_text;
            }
            if (!progress.is_active) {
                window.location.reload();
                return;
            }
        } catch (error) {
            failures += 1;
            if (failures > 2) {
                summary.textContent = "The service doesn't answer. The worker goes on by itself. Trying again …";
            }
        }
        window.setTimeout(update, INTERVAL * Math.min(1 + failures, 10));
    }

    window.setTimeout(update, INTERVAL);
}());
