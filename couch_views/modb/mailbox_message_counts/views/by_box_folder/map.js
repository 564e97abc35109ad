function (doc) {
    // How many messages each box has in each folder. Their age is what retention looks at.
    // !code shared/integer.js
    // !code shared/message_age.js
    // !code shared/counted_folder.js
    if (doc.pvt_type !== 'mailbox_message' || doc.pvt_deleted) {
        return;
    }
    var age = messageAge(doc);
    emit([doc.source_id, countedFolder(doc, age), age], null);
}
