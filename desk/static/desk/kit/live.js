// Refreshes a list when its account's documents change, or another part of a page (data-live-part) when what it shows
// changes, unless somebody is in the middle of something.
'use strict';
document.querySelectorAll('[data-live-url]').forEach(function (notice) {
    const settings = notice.dataset, results = settings.livePart || '#changelist .results';
    const firstPause = 1000, longestPause = 60000, notAllowed = 1008;
    let timer = 0, pause = firstPause, ticket = settings.ticket;

    function isBusy() {
        const list = document.querySelector(results);
        const isPlaying = Array.from(document.querySelectorAll('audio')).some(player => !player.paused);
        return !list || isPlaying || document.hidden || list.querySelector('input:checked, details[open]') !== null ||
            list.contains(document.activeElement);
    }

    async function refresh() {
        if (isBusy()) {
            notice.hidden = false;
            return;
        }
        try {
            const response = await fetch(window.location.href, {headers: {Accept: 'text/html'}});
            const page = new DOMParser().parseFromString(await response.text(), 'text/html');
            const fresh = page.querySelector(results), list = document.querySelector(results);
            if (!response.ok || !fresh || isBusy()) {
                notice.hidden = false;
                return;
            }
            list.replaceWith(fresh);
            // A page may be open for longer than its ticket counts.
            ticket = page.querySelector('[data-live-url]')?.dataset.ticket || ticket;
            const paging = document.querySelector('#changelist .paginator');
            const freshPaging = page.querySelector('#changelist .paginator');
            if (paging && freshPaging) {
                paging.replaceWith(freshPaging);
            }
            document.dispatchEvent(new CustomEvent('desk:rows-replaced'));
        } catch (error) {
            notice.hidden = false;
        }
    }

    function listen() {
        const usedTicket = ticket;
        const socket = new WebSocket(settings.liveUrl);
        socket.addEventListener('open', function () {
            pause = firstPause;
            socket.send(JSON.stringify({
                action: 'subscribe',
                auth_token: usedTicket,
                data: {account_id: settings.account, bindings: settings.bindings.split(' ')},
            }));
        });
        socket.addEventListener('message', function (message) {
            if (JSON.parse(message.data).action === 'event') {
                clearTimeout(timer);
                timer = setTimeout(refresh, 300);
            }
        });
        socket.addEventListener('close', function (event) {
            if (event.code !== notAllowed || usedTicket !== ticket) {
                setTimeout(listen, pause);
                pause = Math.min(2 * pause, longestPause);
            }
        });
    }
    listen();
});
