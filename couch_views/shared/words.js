function words(names) {
    // The distinct words of names in lower case, for searches. Names that are not text have none.
    var distinct = {};
    names.forEach(function (name) {
        if (typeof name !== 'string') {
            return;
        }
        name.slice(0, 1000).toLowerCase().split(/\s+/).forEach(function (word) {
            if (word) {
                distinct['=' + word.slice(0, 100)] = true;
            }
        });
    });
    return Object.keys(distinct).map(function (key) {
        return key.slice(1);
    });
}
