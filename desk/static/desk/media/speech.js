// Lets the operator listen to a typed text before it is saved.
'use strict';
document.querySelectorAll('textarea[data-speech]').forEach(function (field) {
    const form = field.form, box = document.createElement('div'), button = document.createElement('button');
    const status = document.createElement('span'), player = document.createElement('audio');

    async function listen() {
        const fields = new FormData();
        ['csrfmiddlewaretoken', 'text', 'language', 'voice'].forEach(name => fields.set(name, form.elements[name].value));
        button.disabled = true;
        status.textContent = gettext('Speaking …');
        status.classList.remove('recorder-error');
        try {
            const response = await fetch(field.dataset.speech, {method: 'POST', body: fields});
            if (!response.headers.get('Content-Type').startsWith('audio/')) {
                throw new Error((await response.json()).error);
            }
            URL.revokeObjectURL(player.src);
            player.src = URL.createObjectURL(await response.blob());
            player.hidden = false;
            status.textContent = '';
            player.play().catch(() => {});
        } catch (error) {
            status.classList.add('recorder-error');
            status.textContent = error instanceof SyntaxError || error instanceof TypeError
                ? gettext('The service can\'t speak now. Try again in a moment.') : error.message;
        }
        button.disabled = false;
    }

    box.className = 'recorder';
    button.type = 'button';
    button.className = 'button';
    button.textContent = gettext('Listen');
    status.setAttribute('role', 'status');
    player.controls = player.hidden = true;
    player.setAttribute('aria-label', gettext('The spoken text'));
    button.addEventListener('click', listen);
    box.append(button, status, player);
    field.after(box);
});
