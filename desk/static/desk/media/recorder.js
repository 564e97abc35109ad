// Records with the browser's microphone, and puts the recording into the file field that it is beside.
'use strict';
document.querySelectorAll('input[type="file"][data-recorder]').forEach(function (field) {
    const MAX_SECONDS = 300, LEVELS_A_SECOND = 15; // a greeting is shorter
    const ERRORS = {
        NotAllowedError: gettext('The browser refused the microphone. Allow it for this page in the browser\'s settings, then try again.'),
        NotFoundError: gettext('There is no microphone. Connect one, or choose a file.'),
        NotReadableError: gettext('The microphone can\'t be used: another program may have it.'),
        NotSupportedError: gettext('This browser can\'t use a microphone. Choose a file, or another browser.')
    };
    const box = document.createElement('div'), start = makeButton(gettext('Record')), stop = makeButton(gettext('Stop'));
    const level = document.createElement('meter'), status = document.createElement('span');
    const preview = document.createElement('audio'), flag = document.getElementById(field.dataset.recorder);
    let recorder = null, context = null, timer = 0, recording = null;

    function makeButton(text) {
        const button = document.createElement('button');
        button.type = 'button';
        button.className = 'button';
        button.textContent = text;
        return button;
    }

    function formatTime(seconds) {
        return Math.floor(seconds / 60) + ':' + String(Math.floor(seconds % 60)).padStart(2, '0');
    }

    function show(text, isError) {
        status.textContent = text;
        status.classList.toggle('recorder-error', Boolean(isError));
    }

    // The loudness of the last moment, from 0 to 1, on a scale on which speech is in the middle.
    function measureLevel(analyser, samples) {
        analyser.getFloatTimeDomainData(samples);
        const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
        return Math.max(0, Math.min(1, 1 + Math.log10(Math.max(power, 1e-6)) / 6));
    }

    function watch(stream) {
        context = new AudioContext();
        const analyser = context.createAnalyser(), samples = new Float32Array(analyser.fftSize), began = Date.now();
        context.createMediaStreamSource(stream).connect(analyser);
        timer = setInterval(function () {
            const seconds = (Date.now() - began) / 1000;
            level.value = measureLevel(analyser, samples);
            // Once a second is enough for screen readers.
            const text = interpolate(
                gettext('Recording: %(time)s of at most %(limit)s'),
                {time: formatTime(seconds), limit: formatTime(MAX_SECONDS)}, true);
            if (status.textContent !== text) {
                show(text);
            }
            if (seconds >= MAX_SECONDS) {
                recorder.stop();
            }
        }, 1000 / LEVELS_A_SECOND);
    }

    function finish(stream, pieces) {
        clearInterval(timer);
        context.close();
        stream.getTracks().forEach(track => track.stop());
        start.hidden = false;
        stop.hidden = level.hidden = true;
        start.textContent = gettext('Record again');
        start.focus();
        const type = recorder.mimeType || 'audio/webm', transfer = new DataTransfer();
        const blob = new Blob(pieces, {type});
        if (!blob.size) {
            show(gettext('Nothing was recorded. Try again.'), true);
            return;
        }
        const extension = type.includes('mp4') ? 'm4a' : type.includes('ogg') ? 'ogg' : 'webm';
        recording = new File([blob], 'recording.' + extension, {type: type.split(';')[0]});
        transfer.items.add(recording);
        field.files = transfer.files;
        field.dispatchEvent(new Event('change', {bubbles: true}));
        URL.revokeObjectURL(preview.src);
        preview.src = URL.createObjectURL(blob);
        preview.hidden = false;
        show(gettext('Recorded. Listen to it, then save it or record again.'));
    }

    async function record() {
        if (!navigator.mediaDevices || !window.MediaRecorder) {
            show(window.isSecureContext ? gettext('This browser can\'t record. Choose a file.')
                : gettext('Browsers record on secure pages only: open the desk with https.'), true);
            return;
        }
        start.disabled = true;
        show(gettext('Waiting for the microphone …'));
        try {
            const stream = await navigator.mediaDevices.getUserMedia({audio: true}), pieces = [];
            recorder = new MediaRecorder(stream);
            recorder.addEventListener('dataavailable', event => pieces.push(event.data));
            recorder.addEventListener('stop', () => finish(stream, pieces));
            recorder.start();
            watch(stream);
            preview.hidden = true;
            preview.pause();
            start.hidden = true;
            stop.hidden = level.hidden = false;
            stop.focus();
        } catch (error) {
            show(ERRORS[error.name] || interpolate(gettext('Recording failed: %(reason)s'), {reason: error.message}, true), true);
        }
        start.disabled = false;
    }

    box.className = 'recorder';
    level.max = 1;
    level.setAttribute('aria-label', gettext('Level of the microphone'));
    status.setAttribute('role', 'status');
    preview.controls = true;
    preview.setAttribute('aria-label', gettext('Your recording'));
    stop.hidden = level.hidden = preview.hidden = true;
    start.addEventListener('click', record);
    stop.addEventListener('click', () => recorder.stop());
    // A file that is chosen takes the place of the recording.
    field.addEventListener('change', function () {
        const isRecording = recording !== null && field.files[0] === recording;
        flag.value = isRecording ? 'yes' : '';
        if (!isRecording && !preview.hidden) {
            preview.hidden = true;
            preview.pause();
            show('');
        }
    });
    box.append(start, stop, level, status, preview);
    field.after(box);
});
