// Draws the waveform of a message when asked to, and lets a click or an arrow key in it seek.
'use strict';
document.querySelectorAll('button[data-draw]').forEach(function (button) {
    const player = document.getElementById(button.dataset.draw);
    const canvas = document.querySelector('canvas[data-for="' + button.dataset.draw + '"]');
    let loudness = [];

    function draw() {
        const width = canvas.width = canvas.clientWidth, height = canvas.height, pen = canvas.getContext('2d');
        const played = player.duration ? player.currentTime / player.duration : 0;
        pen.clearRect(0, 0, width, height);
        loudness.forEach(function (value, index) {
            pen.fillStyle = index / loudness.length < played ? '#417690' : '#8aa';
            const bar = Math.max(value * height, 1);
            pen.fillRect(index * width / loudness.length, (height - bar) / 2, width / loudness.length - 1, bar);
        });
    }

    button.addEventListener('click', async function () {
        button.disabled = true;
        try {
            const bytes = await (await fetch(player.src)).arrayBuffer();
            const samples = (await new AudioContext().decodeAudioData(bytes)).getChannelData(0);
            const bars = 200, step = Math.max(Math.floor(samples.length / bars), 1);
            const peaks = Array.from({length: bars}, (_, bar) =>
                samples.subarray(bar * step, (bar + 1) * step).reduce((most, one) => Math.max(most, Math.abs(one)), 0));
            const largest = Math.max(...peaks, 0.01);
            loudness = peaks.map(peak => peak / largest);
            button.hidden = true;
            draw();
        } catch (error) {
            button.textContent = 'This browser cannot draw this audio';
        }
    });
    canvas.addEventListener('click', function (event) {
        if (player.duration) {
            player.currentTime = event.offsetX / canvas.clientWidth * player.duration;
        }
    });
    player.addEventListener('timeupdate', draw);
});
