function (doc) {
    // How many messages of each box and folder were left on each day: days since year 0, UTC.
    // !code shared/integer.js
    // !code shared/message_age.js
    if (doc.pvt_type !== 'mailbox_message' || doc.pvt_deleted) {
        return;
    }
    var folder = doc.metadata && doc.metadata.folder ? doc.metadata.folder : 'new';
    var age = messageAge(doc);
    emit([age === null ? null : Math.floor(age / 86400), doc.source_id, folder], null);
}
