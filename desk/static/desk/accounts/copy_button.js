// Buttons that copy the text of another element, if the browser gives access to the clipboard.
'use strict';
if (navigator.clipboard) {
    document.querySelectorAll('button[data-copies]').forEach(function (button) {
        button.hidden = false;
        button.addEventListener('click', async function () {
            await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent);
            button.textContent = gettext('Copied');
        });
    });
}
