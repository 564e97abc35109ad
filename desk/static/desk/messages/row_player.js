// Plays messages in the list, one at a time: by the link in a row, by buttons, and by the keys J, K and Space.
'use strict';
(function () {
    const template = document.getElementById('row-player'), hints = document.getElementById('key-hints');
    const links = () => Array.from(document.querySelectorAll('#result_list a.play'));
    if (!template || !hints || links().length === 0) {
        return;
    }
    const panel = template.content.firstElementChild.cloneNode(true);
    const audio = panel.querySelector('audio'), note = panel.querySelector('[role=status]');
    const speed = panel.querySelector('select'), SPEED = 'desk.playback-speed';
    const row = document.createElement('tr'), cell = row.insertCell();
    let current = null; // the link of the message in the player

    row.className = 'player-row';
    cell.colSpan = 20;
    cell.append(panel);

    function source(url, text) {
        const element = document.createElement('source');
        element.src = url;
        element.addEventListener('error', () => { note.textContent = text; });
        return element;
    }

    function setSpeed() {
        audio.defaultPlaybackRate = audio.playbackRate = Number(speed.value);
    }

    // Playing that is paused before it begins is no error, and the sources tell of those that are.
    function play() {
        audio.play().catch(() => {});
    }

    function open(link) {
        audio.pause();
        if (current) {
            current.closest('tr').classList.remove('playing');
        }
        current = link;
        note.textContent = '';
        link.closest('tr').classList.add('playing');
        link.closest('tr').after(row);
        audio.setAttribute('aria-label', link.getAttribute('aria-label'));
        audio.replaceChildren(
            source(link.dataset.audio, note.dataset.converted),
            source(link.dataset.audio + '?format=mp3', note.dataset.unplayable));
        audio.load();
        setSpeed();
        play();
        row.scrollIntoView({block: 'nearest'});
    }

    function step(count) {
        const all = links(), position = all.indexOf(current);
        const next = position < 0 ? all[0] : all[position + count];
        if (next) {
            open(next);
        } else {
            note.textContent = note.dataset.last;
        }
    }

    function toggle() {
        if (!current) {
            step(1);
        } else if (audio.paused) {
            play();
        } else {
            audio.pause();
        }
    }

    function showHints() {
        hints.open = !hints.open;
        if (hints.open) {
            hints.scrollIntoView({block: 'nearest'});
        }
    }

    const keys = {j: () => step(1), k: () => step(-1), ' ': toggle, '?': showHints};
    document.addEventListener('keydown', function (event) {
        const target = event.target, key = event.key.toLowerCase();
        const isTyping = target.closest('input:not([type=checkbox]), select, textarea, dialog, [contenteditable]');
        const isControl = key === ' ' && target.closest('a:not(.play), button, input, summary, audio');
        if (!(key in keys) || isTyping || isControl || event.ctrlKey || event.altKey || event.metaKey) {
            return;
        }
        event.preventDefault();
        const link = target.closest('a.play');
        if (key === ' ' && link && link !== current) { // which is a button here
            open(link);
        } else {
            keys[key]();
        }
    });
    document.addEventListener('click', function (event) {
        const link = event.target.closest('a.play');
        if (!link || event.ctrlKey || event.metaKey || event.shiftKey) {
            return;
        }
        event.preventDefault();
        if (link === current) {
            toggle();
        } else {
            open(link);
        }
    });
    panel.addEventListener('click', function (event) {
        const button = event.target.closest('button[data-step]');
        if (button) {
            step(Number(button.dataset.step));
        }
    });
    speed.addEventListener('change', function () {
        localStorage.setItem(SPEED, speed.value);
        setSpeed();
    });
    document.addEventListener('desk:rows-replaced', function () {
        if (current && !current.isConnected) {
            current = null;
            audio.pause();
        }
    });
    speed.value = localStorage.getItem(SPEED) || '1';
    if (!speed.value) {
        speed.value = '1';
    }
    links().forEach(link => link.setAttribute('role', 'button'));
    hints.hidden = false;
}());
