// Fills the list of a field for mailboxes with those that begin with what is typed.
'use strict';
document.querySelectorAll('input[data-mailboxes]').forEach(function (field) {
    const list = document.getElementById(field.getAttribute('list'));
    let timer = 0, asking = null;

    async function ask() {
        if (asking) {
            asking.abort();
        }
        asking = new AbortController();
        try {
            const url = field.dataset.mailboxes + '?q=' + encodeURIComponent(field.value);
            const answer = await fetch(url, {signal: asking.signal, headers: {Accept: 'application/json'}});
            const found = (await answer.json()).mailboxes;
            list.replaceChildren(...found.map(function (one) {
                const option = document.createElement('option');
                option.value = one.value;
                option.label = one.text ? one.value + ' ' + one.text : one.value;
                return option;
            }));
        } catch (error) {
            // Without suggestions a number can still be typed.
        }
    }

    function soon() {
        clearTimeout(timer);
        timer = setTimeout(ask, 150);
    }
    field.addEventListener('input', soon);
    field.addEventListener('focus', soon, {once: true});
});
