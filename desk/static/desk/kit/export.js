// Downloads a list as a file, and counts its rows meanwhile. Without this script, the links just download it.
'use strict';
document.querySelectorAll('a[data-export]').forEach(function (link) {
    const status = link.parentElement.querySelector('[data-export-status]');
    const NEWLINE = 10;

    function show(text, rows) {
        status.hidden = false;
        status.textContent = text.replace('%s', rows.toLocaleString());
    }

    // Rows end with a line break, but for those of texts with line breaks: the head of CSV, and the brackets of JSON,
    // are the lines that are none.
    async function readAll(response, pieces) {
        const reader = response.body.getReader();
        let rows = -1, last = 0;
        for (;;) {
            const {done, value} = await reader.read();
            if (done) {
                return Math.max(rows, 0);
            }
            pieces.push(value);
            for (const byte of value) {
                rows += byte === NEWLINE ? 1 : 0;
            }
            if (Date.now() - last > 500) { // a screen reader reads each one out
                last = Date.now();
                show(status.dataset.reading, Math.max(rows, 0));
            }
            link.dataset.rows = Math.max(rows, 0);
        }
    }

    function save(blob, name) {
        const anchor = document.createElement('a');
        anchor.href = URL.createObjectURL(blob);
        anchor.download = name;
        document.body.append(anchor);
        anchor.click();
        anchor.remove();
        setTimeout(() => URL.revokeObjectURL(anchor.href), 60000);
    }

    link.addEventListener('click', async function (event) {
        event.preventDefault();
        if (link.getAttribute('aria-disabled')) {
            return;
        }
        link.setAttribute('aria-disabled', 'true');
        link.dataset.rows = 0;
        const pieces = [];
        try {
            const response = await fetch(link.href);
            if (!response.ok || response.redirected) {
                throw new Error(String(response.status));
            }
            const disposition = response.headers.get('Content-Disposition') || '';
            const name = (disposition.match(/filename="?([^";]+)/) || [])[1] || 'list';
            const rows = await readAll(response, pieces);
            save(new Blob(pieces, {type: response.headers.get('Content-Type')}), name);
            show(status.dataset.done, rows);
        } catch (error) {
            show(status.dataset.failed, Number(link.dataset.rows));
        }
        link.removeAttribute('aria-disabled');
    });
});
