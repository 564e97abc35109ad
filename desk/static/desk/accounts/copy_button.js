// Buttons that copy the text of another element, where the browser lets a page do that.
'use strict';
if (navigator.clipboard) {
    document.querySelectorAll('button[data-copies]').forEach(function (button) {
        button.hidden = false;
        button.addEventListener('click', async function () {
            await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent);
            button.textContent = 'Copied';
        });
    });
}
