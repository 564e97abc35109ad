function (doc) {
    // Removed messages. One that was moved is not lost: it is in the mailbox it was moved to.
    // !code shared/integer.js
    // !code shared/message_age.js
    // !code shared/message_summary.js
    // !code shared/has_audio.js
    // !code shared/removed_summary.js
    if (doc.pvt_type !== 'mailbox_message' || doc.pvt_deleted !== true || doc.pvt_moved_to) {
        return;
    }
    var summary = removedSummary(doc);
    emit([doc.source_id, summary.timestamp], summary);
}
