function (doc) {
    // Every user under each word of its names, for searches.
    // !code shared/words.js
    if (doc.pvt_type !== 'user' || doc.pvt_deleted) {
        return;
    }
    words([doc.username, doc.first_name, doc.last_name, doc.email]).forEach(function (word) {
        emit(word, null);
    });
}
