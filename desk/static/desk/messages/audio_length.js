// Fills in how long a chosen recording plays, where the browser can tell.
'use strict';
document.querySelectorAll('input[data-length-of]').forEach(function (field) {
    const file = document.getElementById(field.dataset.lengthOf), most = 30 * 1024 * 1024;
    file.addEventListener('change', async function () {
        field.value = '';
        const chosen = file.files[0];
        if (!chosen || chosen.size > most) {
            return;
        }
        try {
            const sound = await new OfflineAudioContext(1, 1, 8000).decodeAudioData(await chosen.arrayBuffer());
            if (file.files[0] === chosen) {
                field.value = sound.duration.toFixed(1);
            }
        } catch (error) {
            // Not a kind of audio that this browser knows: the length can still be typed.
        }
    });
});
