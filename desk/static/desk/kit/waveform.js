// The waveform of audio: drawn on demand or when the message is played. A click, a drag or a key in it seeks.
'use strict';
document.querySelectorAll('canvas[data-player]').forEach(function (canvas) {
    const player = document.getElementById(canvas.dataset.player);
    const button = document.querySelector('button[data-waveform-of="' + canvas.dataset.player + '"]');
    const time = document.querySelector('[data-time-of="' + canvas.dataset.player + '"]');
    const storedSeconds = Number(canvas.dataset.seconds) || 0;
    const MAX_SECONDS = 600; // of audio that is drawn without being asked for
    let peaks = [], isRequested = false;

    function duration() {
        return Number.isFinite(player.duration) && player.duration > 0 ? player.duration : storedSeconds;
    }

    function formatTime(seconds) {
        const wholeSeconds = Math.floor(seconds);
        return Math.floor(wholeSeconds / 60) + ':' + String(wholeSeconds % 60).padStart(2, '0');
    }

    function updateTime() {
        const length = duration(), times = {time: formatTime(player.currentTime), length: formatTime(length)};
        const text = interpolate(gettext('%(time)s of %(length)s'), times, true);
        canvas.setAttribute('aria-valuemax', length.toFixed(1));
        canvas.setAttribute('aria-valuenow', Math.min(player.currentTime, length).toFixed(1));
        canvas.setAttribute('aria-valuetext', text);
        time.textContent = text;
    }

    function draw() {
        const scale = window.devicePixelRatio || 1;
        const width = canvas.width = Math.round(canvas.clientWidth * scale);
        const height = canvas.height = Math.round(canvas.clientHeight * scale);
        const context = canvas.getContext('2d'), length = duration(), barWidth = width / Math.max(peaks.length, 1);
        const position = length ? Math.min(player.currentTime / length, 1) : 0;
        const style = getComputedStyle(canvas);
        context.clearRect(0, 0, width, height);
        peaks.forEach(function (peak, index) {
            const barHeight = Math.max(peak * height * .95, scale);
            context.fillStyle = index / peaks.length < position ? style.color : style.outlineColor;
            context.fillRect(index * barWidth, (height - barHeight) / 2, Math.max(barWidth - scale, scale), barHeight);
        });
        context.fillStyle = style.borderLeftColor;
        context.fillRect(Math.min(position * width, width - 2 * scale), 0, 2 * scale, height);
    }

    function update() {
        updateTime();
        draw();
    }

    // The source that plays or, before one does, the first that this browser can decode.
    async function decodeAudio() {
        const sources = [...player.querySelectorAll('source')].map(source => source.src);
        const urls = player.currentTime > 0 ? [player.currentSrc] : sources;
        for (const url of urls) {
            try {
                const response = await fetch(url);
                return await new OfflineAudioContext(1, 1, 8000).decodeAudioData(await response.arrayBuffer());
            } catch (error) {
                if (url === urls.at(-1)) {
                    throw error;
                }
            }
        }
    }

    async function loadWaveform() {
        if (isRequested) {
            return;
        }
        isRequested = button.disabled = true;
        try {
            peaks = normalizedPeaks((await decodeAudio()).getChannelData(0));
            button.hidden = true;
            update();
        } catch (error) {
            button.textContent = gettext('This browser cannot draw this audio');
        }
    }

    function normalizedPeaks(samples) {
        const count = Math.max(Math.min(Math.floor(canvas.clientWidth / 4), 400), 50);
        const step = Math.max(Math.floor(samples.length / count), 1);
        const values = Array.from({length: count}, (_, index) => samples.subarray(index * step, (index + 1) * step)
            .reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0));
        const largest = Math.max(...values, 0.01);
        return values.map(value => value / largest);
    }

    function seek(seconds) {
        // Before anything is loaded, this is where playing will start.
        player.currentTime = Math.max(0, Math.min(seconds, duration()));
        update();
    }

    function seekToPointer(event) {
        seek((event.clientX - canvas.getBoundingClientRect().left) / canvas.clientWidth * duration());
    }

    const steps = {ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10};
    canvas.addEventListener('keydown', function (event) {
        if (event.key === ' ' || event.key === 'Enter') {
            // Playing that is paused before it begins is no error, and playback.js tells of those that are.
            player.paused ? player.play().catch(() => {}) : player.pause();
        } else if (event.key === 'Home' || event.key === 'End') {
            seek(event.key === 'Home' ? 0 : duration());
        } else if (event.key in steps) {
            seek(player.currentTime + steps[event.key]);
        } else {
            return;
        }
        event.preventDefault();
    });
    canvas.addEventListener('click', seekToPointer);
    canvas.addEventListener('pointerdown', event => canvas.setPointerCapture(event.pointerId));
    canvas.addEventListener('pointermove', event => { if (event.buttons === 1) { seekToPointer(event); } });
    button.addEventListener('click', loadWaveform);
    // Not before the player's own request is answered: both are recorded as one listening.
    player.addEventListener('playing', () => { if (duration() <= MAX_SECONDS) { loadWaveform(); } }, {once: true});
    ['timeupdate', 'seeked', 'loadedmetadata', 'durationchange'].forEach(name => player.addEventListener(name, update));
    window.addEventListener('resize', draw);
    canvas.hidden = button.hidden = time.hidden = false;
    update();
});
