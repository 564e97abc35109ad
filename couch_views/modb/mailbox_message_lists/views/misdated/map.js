function (doc) {
    // Messages whose age isn't the time that listings show and sort by, under the earlier of the two: a listing needs
    // both where the retention's limit lies between them.
    // !code shared/integer.js
    // !code shared/message_age.js
    // !code shared/message_summary.js
    if (doc.pvt_type !== 'mailbox_message' || doc.pvt_deleted) {
        return;
    }
    var age = messageAge(doc);
    var summary = messageSummary(doc);
    if (age !== null && age !== summary.timestamp) {
        emit(Math.min(age, summary.timestamp), {age: age, box_id: doc.source_id, summary: summary});
    }
}
