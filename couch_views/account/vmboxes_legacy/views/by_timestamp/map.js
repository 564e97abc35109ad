function (doc) {
    // The messages that 3.x left in mailboxes, in the order of a listing of the whole account. An entry without a
    // timestamp has the key null; its media document has the time.
    // !code shared/integer.js
    if (doc.pvt_type !== 'vmbox' || doc.pvt_deleted || !Array.isArray(doc.messages)) {
        return;
    }
    // From the year 1970, before which there was no voicemail, to 9999, after which there is no calendar.
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
