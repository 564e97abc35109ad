function (doc) {
    // !code shared/integer.js
    // !code shared/message_age.js
    // !code shared/message_summary.js
    if (doc.pvt_type !== 'mailbox_message' || doc.pvt_deleted) {
        return;
    }
    var summary = messageSummary(doc);
    emit([doc.source_id, summary.timestamp], summary);
}
