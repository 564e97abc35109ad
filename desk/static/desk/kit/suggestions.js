// Fills a field's list with what the server suggests for what is typed.
'use strict';
document.querySelectorAll('input[data-suggestions]').forEach(function (field) {
    const list = document.getElementById(field.getAttribute('list')) || document.createElement('datalist');
    if (!list.id) {
        list.id = field.getAttribute('list');
        field.after(list);
    }
    let timer = 0, asking = null;

    async function ask() {
        if (asking) {
            asking.abort();
        }
        asking = new AbortController();
        try {
            const url = field.dataset.suggestions + '?q=' + encodeURIComponent(field.value);
            const answer = await fetch(url, {signal: asking.signal, headers: {Accept: 'application/json'}});
            const found = (await answer.json()).suggestions;
            list.replaceChildren(...found.map(function (one) {
                const option = document.createElement('option');
                option.value = one.value;
                option.label = one.text || one.value;
                return option;
            }));
        } catch (error) {
            // Without suggestions one can still type it all.
        }
    }

    function soon() {
        clearTimeout(timer);
        timer = setTimeout(ask, 150);
    }
    field.addEventListener('input', soon);
    field.addEventListener('focus', soon, {once: true});
});
