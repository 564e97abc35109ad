function (doc) {
    // Counting needs what retention looks at, the age, which is not always metadata.timestamp.
    // !code shared/integer.js
    // !code shared/message_age.js
    if (doc.pvt_type !== 'mailbox_message' || doc.pvt_deleted) {
        return;
    }
    var folder = doc.metadata && doc.metadata.folder ? doc.metadata.folder : 'new';
    emit([doc.source_id, folder, messageAge(doc)], null);
}
