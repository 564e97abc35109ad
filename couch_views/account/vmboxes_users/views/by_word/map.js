function (doc) {
    // Every user under each word of its names: searching.
    if (doc.pvt_type !== 'user' || doc.pvt_deleted) {
        return;
    }
    var seen = {};
    [doc.username, doc.first_name, doc.last_name, doc.email].forEach(function (name) {
        if (typeof name !== 'string') {
            return;
        }
        name.toLowerCase().split(/\s+/).forEach(function (word) {
            var key = word.slice(0, 100);
            if (key && !seen['=' + key]) {
                seen['=' + key] = true;
                emit(key, null);
            }
        });
    });
}
