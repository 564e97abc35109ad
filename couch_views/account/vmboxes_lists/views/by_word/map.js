function (doc) {
    // Every mailbox under each word of its name, for searches.
    // !code shared/words.js
    if (doc.pvt_type !== 'vmbox' || doc.pvt_deleted) {
        return;
    }
    words([doc.name]).forEach(function (word) {
        emit(word, null);
    });
}
