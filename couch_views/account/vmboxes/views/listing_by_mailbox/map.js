function (doc) {
    // As in Kazoo 5.x: keys are strings, and aliases are included. Kazoo 4.x has integers and no aliases.
    // !code shared/mailbox_numbers.js
    if (doc.pvt_type !== 'vmbox' || doc.pvt_deleted) {
        return;
    }
    mailboxNumbers(doc).forEach(function (number) {
        emit(number, null);
    });
}
