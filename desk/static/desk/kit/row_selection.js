// Selects all rows of a table with the checkbox in its head, and shows how many are selected.
'use strict';
(function () {
    const selectAll = document.getElementById('action-toggle');
    const checkboxes = Array.from(document.querySelectorAll('input.action-select'));
    const counter = document.querySelector('.action-counter');
    if (!selectAll) {
        return;
    }
    function update() {
        const count = checkboxes.filter(checkbox => checkbox.checked).length;
        selectAll.checked = count > 0 && count === checkboxes.length;
        counter.textContent = count + ' of ' + checkboxes.length + ' selected';
        checkboxes.forEach(checkbox => checkbox.closest('tr').classList.toggle('selected', checkbox.checked));
    }
    selectAll.addEventListener('change', function () {
        checkboxes.forEach(checkbox => { checkbox.checked = selectAll.checked; });
        update();
    });
    checkboxes.forEach(checkbox => checkbox.addEventListener('change', update));
    update();
}());
