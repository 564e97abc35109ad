// Says when the browser can't play audio as it is stored: then it plays the second source, a conversion to MP3.
'use strict';
document.querySelectorAll('[data-note-of]').forEach(function (note) {
    const [original, converted] = document.getElementById(note.dataset.noteOf).querySelectorAll('source');

    function show(text) {
        note.textContent = text;
        note.hidden = false;
    }

    original.addEventListener('error', () => show(note.dataset.converted));
    converted.addEventListener('error', () => show(note.dataset.unplayable));
});
