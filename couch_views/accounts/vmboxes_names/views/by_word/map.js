function (doc) {
    // Every account under each word of its name and realm, for searches.
    // !code shared/words.js
    if (doc.pvt_type !== 'account' || doc.pvt_deleted) {
        return;
    }
    words([doc.name, doc.realm]).forEach(function (word) {
        emit(word, null);
    });
}
