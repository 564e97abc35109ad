function (doc) {
    // How many messages of each box and folder were left on each day: days since year 0, UTC.
    // !code shared/integer.js
    // !code shared/message_age.js
    // !code shared/counted_folder.js
    if (doc.pvt_type !== 'mailbox_message' || doc.pvt_deleted) {
        return;
    }
    var age = messageAge(doc);
    emit([age === null ? null : Math.floor(age / 86400), doc.source_id, countedFolder(doc, age)], null);
}
