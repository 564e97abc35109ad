// Updates the progress of a run until it ends, then reloads the page to show the result.
'use strict';
(function () {
    const bar = document.getElementById('run-progress');
    const summary = document.getElementById('run-summary');
    const state = document.getElementById('run-state');
    const details = {'run-place': 'place', 'run-last-seen': 'last_seen'}; // where a page has them
    const INTERVAL = 1000; // milliseconds
    let failures = 0;

    function show(progress) {
        if (progress.total > 0) {
            bar.max = progress.total;
            bar.value = progress.done;
        }
        summary.textContent = progress.summary;
        for (const [id, member] of Object.entries(details)) {
            const element = document.getElementById(id);
            if (element) {
                element.textContent = progress[member];
            }
        }
        // Written only when it changes: a screen reader reads it out each time.
        if (state.textContent !== progress.state_text) {
            state.textContent = progress.state_text;
        }
    }

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
            show(progress);
            if (!progress.is_active) {
                window.location.reload();
                return;
            }
        } catch (error) {
            failures += 1;
            if (failures > 2) {
                summary.textContent = gettext("The service doesn't answer. The work goes on by itself. Trying again …");
            }
        }
        window.setTimeout(update, INTERVAL * Math.min(1 + failures, 10));
    }

    window.setTimeout(update, INTERVAL);
}());
