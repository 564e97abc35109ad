// Fills a field's list with the server's suggestions for the text that is typed.
'use strict';
document.querySelectorAll('input[data-suggestions]').forEach(function (field) {
    const list = document.getElementById(field.getAttribute('list')) || document.createElement('datalist');
    if (!list.id) {
        list.id = field.getAttribute('list');
        field.after(list);
    }
    let timer = 0, pendingRequest = null;

    async function load() {
        if (pendingRequest) {
            pendingRequest.abort();
        }
        pendingRequest = new AbortController();
        try {
            const url = field.dataset.suggestions + '?q=' + encodeURIComponent(field.value);
            const options = {signal: pendingRequest.signal, headers: {Accept: 'application/json'}};
            const response = await fetch(url, options);
            const suggestions = (await response.json()).suggestions;
            list.replaceChildren(...suggestions.map(function (suggestion) {
                const option = document.createElement('option');
                option.value = suggestion.value;
                option.label = suggestion.text || suggestion.value;
                return option;
            }));
        } catch (error) {
            // Without suggestions, the whole value can still be typed.
        }
    }

    function loadSoon() {
        clearTimeout(timer);
        timer = setTimeout(load, 150);
    }
    field.addEventListener('input', loadSoon);
    field.addEventListener('focus', loadSoon, {once: true});
});
