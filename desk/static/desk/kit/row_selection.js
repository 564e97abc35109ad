// The box above a table's boxes chooses all rows of the page, and how many are chosen is told.
'use strict';
(function () {
    const all = document.getElementById('action-toggle');
    const boxes = Array.from(document.querySelectorAll('input.action-select'));
    const counter = document.querySelector('.action-counter');
    if (!all) {
        return;
    }
    function tell() {
        const chosen = boxes.filter(box => box.checked).length;
        all.checked = chosen > 0 && chosen === boxes.length;
        counter.textContent = chosen + ' of ' + boxes.length + ' selected';
        boxes.forEach(box => box.closest('tr').classList.toggle('selected', box.checked));
    }
    all.addEventListener('change', function () {
        boxes.forEach(box => { box.checked = all.checked; });
        tell();
    });
    boxes.forEach(box => box.addEventListener('change', tell));
    tell();
}());
