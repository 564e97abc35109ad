function (doc) {
    // The form of Kazoo 5.x: strings, aliases too. A 4.x has integers and no aliases here.
    // !code shared/mailbox_numbers.js
    if (doc.pvt_type !== 'vmbox' || doc.pvt_deleted) {
        return;
    }
    mailboxNumbers(doc).forEach(function (number) {
        emit(number, null);
    });
}
