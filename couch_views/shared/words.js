function words(names) {
    // The words of some names, each once, in lower case: what is searched by. What is no text has none.
    var found = {};
    names.forEach(function (name) {
        if (typeof name !== 'string') {
            return;
        }
        name.slice(0, 1000).toLowerCase().split(/\s+/).forEach(function (word) {
            if (word) {
                found['=' + word.slice(0, 100)] = true;
            }
        });
    });
    return Object.keys(found).map(function (key) {
        return key.slice(1);
    });
}
