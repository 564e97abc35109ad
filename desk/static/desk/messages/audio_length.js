// Fills in the length of a chosen recording, if the browser can decode it.
'use strict';
document.querySelectorAll('input[data-length-of]').forEach(function (field) {
    const fileInput = document.getElementById(field.dataset.lengthOf), maxBytes = 30 * 1024 * 1024;
    fileInput.addEventListener('change', async function () {
        field.value = '';
        const file = fileInput.files[0];
        if (!file || file.size > maxBytes) {
            return;
        }
        try {
            const audio = await new OfflineAudioContext(1, 1, 8000).decodeAudioData(await file.arrayBuffer());
            if (fileInput.files[0] === file) {
                field.value = audio.duration.toFixed(1);
            }
        } catch (error) {
            // The browser can't decode this format. The length can still be typed.
        }
    });
});
