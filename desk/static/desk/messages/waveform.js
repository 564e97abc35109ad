// The waveform of a message: drawn when asked for, or once it plays; a click, a drag or a key in it seeks.
'use strict';
document.querySelectorAll('canvas[data-for]').forEach(function (canvas) {
    const player = document.getElementById(canvas.dataset.for);
    const button = document.querySelector('button[data-draw="' + canvas.dataset.for + '"]');
    const told = document.querySelector('[data-time-of="' + canvas.dataset.for + '"]');
    const known = Number(canvas.dataset.length) || 0;
    let loudness = [], asked = false;

    function duration() {
        return Number.isFinite(player.duration) && player.duration > 0 ? player.duration : known;
    }

    function spelled(seconds) {
        const whole = Math.floor(seconds), rest = String(whole % 60).padStart(2, '0');
        return Math.floor(whole / 60) + ':' + rest;
    }

    function tell() {
        const length = duration(), text = spelled(player.currentTime) + ' of ' + spelled(length);
        canvas.setAttribute('aria-valuemax', length.toFixed(1));
        canvas.setAttribute('aria-valuenow', Math.min(player.currentTime, length).toFixed(1));
        canvas.setAttribute('aria-valuetext', text);
        told.textContent = text;
    }

    function draw() {
        const scale = window.devicePixelRatio || 1;
        const width = canvas.width = Math.round(canvas.clientWidth * scale);
        const height = canvas.height = Math.round(canvas.clientHeight * scale);
        const pen = canvas.getContext('2d'), length = duration(), bar = width / Math.max(loudness.length, 1);
        const position = length ? Math.min(player.currentTime / length, 1) : 0;
        const style = getComputedStyle(canvas);
        pen.clearRect(0, 0, width, height);
        loudness.forEach(function (value, index) {
            const high = Math.max(value * height * .95, scale);
            pen.fillStyle = index / loudness.length < position ? style.color : style.outlineColor;
            pen.fillRect(index * bar, (height - high) / 2, Math.max(bar - scale, scale), high);
        });
        pen.fillStyle = style.borderLeftColor;
        pen.fillRect(Math.min(position * width, width - 2 * scale), 0, 2 * scale, height);
    }

    function show() {
        tell();
        draw();
    }

    async function listen() {
        if (asked) {
            return;
        }
        asked = button.disabled = true;
        try {
            const answer = await fetch(player.src);
            const sound = await new OfflineAudioContext(1, 1, 8000).decodeAudioData(await answer.arrayBuffer());
            const samples = sound.getChannelData(0), bars = Math.max(Math.min(Math.floor(canvas.clientWidth / 4), 400), 50);
            const step = Math.max(Math.floor(samples.length / bars), 1);
            const peaks = Array.from({length: bars}, (_, bar) =>
                samples.subarray(bar * step, (bar + 1) * step).reduce((most, one) => Math.max(most, Math.abs(one)), 0));
            const largest = Math.max(...peaks, 0.01);
            loudness = peaks.map(peak => peak / largest);
            button.hidden = true;
            show();
        } catch (error) {
            button.textContent = 'This browser cannot draw this audio';
        }
    }

    function seek(seconds) {
        // Before anything is loaded this is where playing is going to begin.
        player.currentTime = Math.max(0, Math.min(seconds, duration()));
        show();
    }

    function at(event) {
        seek((event.clientX - canvas.getBoundingClientRect().left) / canvas.clientWidth * duration());
    }

    const steps = {ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10};
    canvas.addEventListener('keydown', function (event) {
        if (event.key === ' ' || event.key === 'Enter') {
            player.paused ? player.play() : player.pause();
        } else if (event.key === 'Home' || event.key === 'End') {
            seek(event.key === 'Home' ? 0 : duration());
        } else if (event.key in steps) {
            seek(player.currentTime + steps[event.key]);
        } else {
            return;
        }
        event.preventDefault();
    });
    canvas.addEventListener('click', at);
    canvas.addEventListener('pointerdown', event => canvas.setPointerCapture(event.pointerId));
    canvas.addEventListener('pointermove', event => { if (event.buttons === 1) { at(event); } });
    button.addEventListener('click', listen);
    // By itself only what is quickly got and decoded. Not before its own request is answered: the two are one listening in the record.
    player.addEventListener('playing', () => { if (duration() <= 600) { listen(); } }, {once: true});
    ['timeupdate', 'seeked', 'loadedmetadata', 'durationchange'].forEach(name => player.addEventListener(name, show));
    window.addEventListener('resize', draw);
    canvas.hidden = button.hidden = told.hidden = false;
    show();
});
