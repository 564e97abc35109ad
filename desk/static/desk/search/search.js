// The search field of every page: "/" focuses it, and suggestions appear as one types (an ARIA combobox with a list).
// On the page of results, the arrow keys move through them.
'use strict';
(function () {
    const form = document.getElementById('desk-search');
    const field = document.getElementById('desk-search-field');
    const list = document.getElementById('desk-search-list');
    const status = document.createElement('p');  // in the page once the field is used: others have one of their own
    status.className = 'visually-hidden';
    status.setAttribute('role', 'status');
    let timer = 0, pendingRequest = null, active = -1;

    function options() {
        return [...list.querySelectorAll('[role="option"]')];
    }

    function close() {
        clearTimeout(timer);
        if (pendingRequest) {
            pendingRequest.abort();
        }
        list.hidden = true;
        field.setAttribute('aria-expanded', 'false');
        activate(-1);
    }

    function activate(index) {
        active = index;
        options().forEach(function (option, number) {
            option.setAttribute('aria-selected', String(number === index));
            if (number === index) {
                field.setAttribute('aria-activedescendant', option.id);
                option.scrollIntoView({block: 'nearest'});
            }
        });
        if (index < 0) {
            field.removeAttribute('aria-activedescendant');
        }
    }

    function element(name, className, text) {
        const node = document.createElement(name);
        node.className = className;
        node.textContent = text;
        return node;
    }

    function optionElement(id, title, about, open) {
        const option = element('div', '', '');
        option.id = id;
        option.setAttribute('role', 'option');
        option.setAttribute('aria-selected', 'false');
        option.append(element('bdi', '', title));
        if (about) {
            option.append(element('span', 'about', about));
        }
        option.addEventListener('mousedown', (event) => event.preventDefault());
        option.addEventListener('click', open);
        return option;
    }

    function show(answer) {
        let count = 0;
        const groups = answer.groups.filter((group) => group.results.length).map(function (group, number) {
            const node = element('div', '', '');
            node.setAttribute('role', 'group');
            const title = element('div', 'title', group.title);
            title.id = 'desk-search-group-' + number;
            node.setAttribute('aria-labelledby', title.id);
            node.append(title, ...group.results.map(function (result) {
                return optionElement('desk-search-option-' + count++, result.title, result.about,
                    () => location.assign(result.url));
            }));
            return node;
        });
        if (count) {
            groups.push(optionElement('desk-search-option-' + count, form.dataset.all, answer.note,
                () => form.requestSubmit()));
        }
        list.replaceChildren(...groups);
        list.hidden = count === 0;
        field.setAttribute('aria-expanded', String(count > 0));
        activate(-1);
        status.textContent = count ? form.dataset.counts.replace('{count}', count) : form.dataset.none;
    }

    async function load() {
        if (pendingRequest) {
            pendingRequest.abort();
        }
        const request = pendingRequest = new AbortController();
        try {
            const url = form.dataset.suggestions + '?find=' + encodeURIComponent(field.value);
            const response = await fetch(url, {signal: request.signal, headers: {Accept: 'application/json'}});
            const answer = await response.json();
            if (!request.signal.aborted && document.activeElement === field) {
                show(answer);
            }
        } catch (error) {
            // Without suggestions, Enter still leads to the page of results.
        }
    }

    field.addEventListener('input', function () {
        clearTimeout(timer);
        if (field.value.trim().length < 2) {
            close();
            status.textContent = '';
        } else {
            timer = setTimeout(load, 150);
        }
    });
    field.addEventListener('focus', () => form.append(status));
    field.addEventListener('blur', function () {
        close();
        status.remove();
    });
    field.addEventListener('keydown', function (event) {
        const all = options(), isOpen = !list.hidden;
        if (event.key === 'Escape') {
            if (isOpen) {
                close();
            } else {
                field.blur();
            }
            event.preventDefault();
        } else if (event.key === 'Enter' && isOpen && active >= 0) {
            event.preventDefault();
            all[active].click();
        } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
            if (isOpen) {
                const step = event.key === 'ArrowDown' ? 1 : -1;
                activate((active + step + all.length + (active < 0 && step < 0 ? 1 : 0)) % all.length);
                event.preventDefault();
            } else if (event.key === 'ArrowDown' && field.value.trim().length >= 2) {
                const first = document.querySelector('[data-result]');
                if (first && field.value === field.defaultValue) {
                    first.focus();
                } else {
                    load();
                }
                event.preventDefault();
            }
        }
    });

    document.addEventListener('keydown', function (event) {
        const target = event.target;
        const isTyping = target.closest('input, textarea, select, [contenteditable], [role="slider"]');
        if (event.key === '/' && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
            event.preventDefault();
            field.focus();
            field.select();
        } else if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && target.matches('[data-result]')) {
            const links = [...document.querySelectorAll('[data-result]')];
            const next = links[links.indexOf(target) + (event.key === 'ArrowDown' ? 1 : -1)];
            (next || (event.key === 'ArrowUp' ? field : target)).focus();
            event.preventDefault();
        } else if (event.key === 'Escape' && target.matches('[data-result]')) {
            field.focus();
        }
    });
})();
