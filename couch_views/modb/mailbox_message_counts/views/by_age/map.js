function (doc) {
    // The messages of any box by their age: on the day that the retention's limit cuts, single hours are counted.
    // !code shared/integer.js
    // !code shared/message_age.js
    // !code shared/counted_folder.js
    if (doc.pvt_type !== 'mailbox_message' || doc.pvt_deleted) {
        return;
    }
    var age = messageAge(doc);
    emit([age, doc.source_id, countedFolder(doc, age)], null);
}
