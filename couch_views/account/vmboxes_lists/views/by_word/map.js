function (doc) {
    // Every mailbox under each word of its name, its number and its aliases, for searches.
    // !code shared/words.js
    // !code shared/mailbox_numbers.js
    if (doc.pvt_type !== 'vmbox' || doc.pvt_deleted) {
        return;
    }
    words([doc.name].concat(mailboxNumbers(doc))).forEach(function (word) {
        emit(word, null);
    });
}
