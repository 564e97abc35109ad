// Puts the message of a row into the folder that is chosen there, without leaving the list.
'use strict';
(function () {
    const form = document.getElementById('changelist-form'), status = document.getElementById('row-status');
    if (!form || !status) {
        return;
    }

    function prepare() {
        form.querySelectorAll('.row-folder').forEach(function (choice) {
            choice.classList.add('scripted');
            const select = choice.querySelector('select');
            select.dataset.stored = select.value;
        });
    }

    async function store(select) {
        const button = select.parentElement.querySelector('button'), folder = select.value;
        const fields = new URLSearchParams({
            csrfmiddlewaretoken: form.querySelector('[name=csrfmiddlewaretoken]').value,
            [select.name]: folder,
            [button.name]: button.value,
        });
        select.disabled = true;
        try {
            const response = await fetch(window.location.href, {
                method: 'POST', body: fields, headers: {Accept: 'application/json'},
            });
            if (response.redirected) { // to the page to sign in
                window.location.reload();
                return;
            }
            const result = await response.json();
            if (!response.ok) {
                throw new Error(result.error);
            }
            select.dataset.stored = folder;
            status.textContent = result.text;
            if (result.row !== button.value) { // a message of Kazoo 3.x has another id now
                window.location.reload();
            }
        } catch (error) {
            select.value = select.dataset.stored;
            status.textContent = error instanceof SyntaxError || error instanceof TypeError ? status.dataset.failed :
                error.message;
        } finally {
            select.disabled = false;
            select.focus();
        }
    }

    form.addEventListener('change', function (event) {
        if (event.target.matches('.row-folder select')) {
            store(event.target);
        }
    });
    document.addEventListener('desk:rows-replaced', prepare);
    prepare();
}());
