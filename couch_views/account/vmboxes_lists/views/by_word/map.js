function (doc) {
    // Every box under each word of its name: searching.
    if (doc.pvt_type !== 'vmbox' || doc.pvt_deleted || typeof doc.name !== 'string') {
        return;
    }
    var seen = {};
    doc.name.slice(0, 1000).toLowerCase().split(/\s+/).forEach(function (word) {
        var key = word.slice(0, 100);
        if (key && !seen['=' + key]) {
            seen['=' + key] = true;
            emit(key, null);
        }
    });
}
