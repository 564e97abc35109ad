function (doc) {
    // Messages whose age isn't the time that listings show and sort by, under the earlier of the two: a listing needs
    // both where the retention's limit lies between them.
    // !code shared/integer.js
    // !code shared/message_age.js
    // !code shared/message_summary.js
    // !code shared/has_audio.js
    // !code shared/removed_summary.js
    if (doc.pvt_type !== 'mailbox_message' || (doc.pvt_deleted && doc.pvt_moved_to)) {
        return;
    }
    var age = messageAge(doc);
    var summary = doc.pvt_deleted ? removedSummary(doc) : messageSummary(doc);
    if (age !== null && age !== summary.timestamp) {
        emit(Math.min(age, summary.timestamp), {
            age: age,
            box_id: doc.source_id,
            removed: Boolean(doc.pvt_deleted),
            silent: !hasAudio(doc),
            summary: summary
        });
    }
}
