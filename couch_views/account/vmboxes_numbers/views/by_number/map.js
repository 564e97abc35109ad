function (doc) {
    // Keeps numbers unique, whichever version of Kazoo wrote `vmboxes/listing_by_mailbox`.
    // !code shared/mailbox_numbers.js
    if (doc.pvt_type !== 'vmbox' || doc.pvt_deleted) {
        return;
    }
    mailboxNumbers(doc).forEach(function (number) {
        emit(number, null);
    });
}
