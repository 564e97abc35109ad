function (doc) {
    // The messages that 3.x left in boxes, in the order of a listing of the whole account. An entry that doesn't
    // say when it was left has the key null: its media document knows.
    // !code shared/integer.js
    if (doc.pvt_type !== 'vmbox' || doc.pvt_deleted || !Array.isArray(doc.messages)) {
        return;
    }
    // Before the year 1970 there was no voicemail, and after 9999 there is no calendar.
    function plausible(seconds) {
        return seconds !== null && seconds >= 62167219200 && seconds <= 315569519999 ? seconds : null;
    }
    doc.messages.forEach(function (entry) {
        if (entry && typeof entry === 'object' && typeof entry.media_id === 'string' && entry.media_id !== '') {
            emit([plausible(integer(entry.timestamp)), doc._id, entry.media_id], {
                entry: entry,
                mailbox: doc.mailbox,
                created: integer(doc.pvt_created)
            });
        }
    });
}
