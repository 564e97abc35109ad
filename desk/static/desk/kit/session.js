// Warns before an idle session ends, keeps it alive while somebody types, and lets a form be sent after signing in again.
'use strict';
(function () {
    const {url, signIn, seconds} = document.currentScript.dataset;
    const WARNING = Math.min(120, Number(seconds) / 4) * 1000; // milliseconds before the end
    const TOUCH_INTERVAL = Math.min(60, Number(seconds) / 10) * 1000;
    let lastTouch = Date.now();
    let timer = null;

    const notice = document.createElement('div');
    notice.className = 'session-notice';
    notice.setAttribute('role', 'alert');
    notice.hidden = true;
    document.addEventListener('DOMContentLoaded', () => document.body.append(notice));

    const token = () => document.querySelector('input[name=csrfmiddlewaretoken]')?.value ?? '';

    async function ask(method) {
        const headers = method === 'POST' ? {'X-CSRFToken': token()} : {};
        const response = await fetch(url, {method, headers, cache: 'no-store'});
        return response.ok ? response.json() : {seconds: 0};
    }

    async function update(method = 'GET') {
        let state;
        try {
            state = await ask(method);
        } catch {
            schedule(TOUCH_INTERVAL); // the service is away for a moment
            return;
        }
        if (state.token) { // signing in again, in another tab, made the tokens of this page's forms invalid
            document.querySelectorAll('input[name=csrfmiddlewaretoken]').forEach(input => {
                input.value = state.token;
            });
        }
        const left = state.seconds * 1000;
        if (left <= 0) {
            showEnd();
        } else if (left <= WARNING) {
            showWarning(Math.ceil(state.seconds / 60));
            schedule(left + 1000);
        } else {
            notice.hidden = true;
            schedule(left - WARNING);
        }
    }

    function schedule(delay) {
        clearTimeout(timer);
        timer = setTimeout(update, Math.min(delay, 2 ** 31 - 1));
    }

    function showWarning(minutes) {
        const button = document.createElement('button');
        button.type = 'button';
        button.className = 'button';
        button.textContent = gettext('Stay signed in');
        button.addEventListener('click', () => update('POST'));
        const text = ngettext(
            'Nothing has happened here for a while. You will be signed out within a minute.',
            'Nothing has happened here for a while. You will be signed out within %(minutes)s minutes.', minutes);
        notice.replaceChildren(interpolate(text, {minutes}, true), button);
        notice.hidden = false;
    }

    function showEnd() {
        const link = document.createElement('a');
        link.href = signIn;
        link.target = '_blank';
        link.textContent = gettext('Sign in in another tab');
        notice.replaceChildren(gettext('You have been signed out. What you entered here is not lost: sign in, then come back.'), link);
        notice.hidden = false;
    }

    document.addEventListener('input', () => {
        if (Date.now() - lastTouch > TOUCH_INTERVAL) {
            lastTouch = Date.now();
            update('POST');
        }
    });
    document.addEventListener('visibilitychange', () => {
        if (!document.hidden) {
            update();
        }
    });
    schedule(Number(seconds) * 1000 - WARNING);
})();
