// Selects all rows of a table with the checkbox in its head, and shows how many are selected. Rows may be replaced.
'use strict';
(function () {
    const form = document.getElementById('changelist-form');
    const counter = document.querySelector('.action-counter');
    if (!form || !counter) {
        return;
    }
    const everyPage = form.querySelector('input[name=all]');
    const checkboxes = () => Array.from(form.querySelectorAll('input.action-select'));
    function update() {
        const all = checkboxes(), count = all.filter(checkbox => checkbox.checked).length;
        document.getElementById('action-toggle').checked = count > 0 && count === all.length;
        counter.textContent = everyPage && everyPage.checked ? everyPage.parentElement.textContent.trim() :
            interpolate(gettext('%(count)s of %(total)s selected'), {count, total: all.length}, true);
        all.forEach(checkbox => checkbox.closest('tr').classList.toggle('selected', checkbox.checked));
    }
    form.addEventListener('change', function (event) {
        if (event.target.id === 'action-toggle') {
            checkboxes().forEach(checkbox => { checkbox.checked = event.target.checked; });
        }
        update();
    });
    document.addEventListener('desk:rows-replaced', update);
    update();
}());
