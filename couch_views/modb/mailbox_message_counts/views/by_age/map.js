function (doc) {
    // The messages of a few hours, whatever their box: what the retention's limit leaves of a day.
    // !code shared/integer.js
    // !code shared/message_age.js
    if (doc.pvt_type !== 'mailbox_message' || doc.pvt_deleted) {
        return;
    }
    var folder = doc.metadata && doc.metadata.folder ? doc.metadata.folder : 'new';
    emit([messageAge(doc), doc.source_id, folder], null);
}
