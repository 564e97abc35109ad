// Shows how much of a form's file was sent. The page that answers takes the place of this one, as without a script.
'use strict';
document.querySelectorAll('form[enctype="multipart/form-data"]').forEach(function (form) {
    const files = [...form.querySelectorAll('input[type="file"]')], submit = form.querySelector('input[type="submit"]');
    const bar = document.createElement('progress'), status = document.createElement('span');
    bar.max = 1;
    bar.setAttribute('aria-label', gettext('Uploaded'));
    status.setAttribute('role', 'status');

    function showProgress(event) {
        if (!event.lengthComputable) {
            return;
        }
        bar.value = event.loaded / event.total;
        status.textContent = event.loaded < event.total ? interpolate(gettext('%(percent)s uploaded'), {percent: Math.floor(bar.value * 100) + ' %'}, true)
            : gettext('Uploaded. The service is checking the audio …');
    }

    function fail() {
        bar.remove();
        submit.disabled = false;
        status.textContent = gettext('The upload failed: the connection was lost. Try again, or choose a smaller file.');
    }

    function showAnswer(request) {
        history.replaceState(null, '', request.responseURL);
        document.open();
        document.write(request.responseText);
        document.close();
    }

    form.addEventListener('submit', function (event) {
        if (!files.some(input => input.files.length)) {
            return;
        }
        event.preventDefault();
        const request = new XMLHttpRequest();
        request.upload.addEventListener('progress', showProgress);
        request.addEventListener('load', () => showAnswer(request));
        ['error', 'timeout', 'abort'].forEach(name => request.addEventListener(name, fail));
        request.open('POST', form.getAttribute('action') || location.href);
        const fields = new FormData(form);
        submit.disabled = true;
        bar.value = 0;
        submit.after(bar, status);
        request.send(fields);
    });
});
