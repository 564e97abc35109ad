function (doc) {
    // Messages without audio.
    // !code shared/integer.js
    // !code shared/message_age.js
    // !code shared/message_summary.js
    // !code shared/has_audio.js
    if (doc.pvt_type !== 'mailbox_message' || doc.pvt_deleted || hasAudio(doc)) {
        return;
    }
    var summary = messageSummary(doc);
    emit([doc.source_id, summary.timestamp], summary);
}
