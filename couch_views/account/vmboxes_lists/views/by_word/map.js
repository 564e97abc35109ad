function (doc) {
    // Every box under each word of its name: searching.
    // !code shared/words.js
    if (doc.pvt_type !== 'vmbox' || doc.pvt_deleted) {
        return;
    }
    words([doc.name]).forEach(function (word) {
        emit(word, null);
    });
}
