function (doc) {
    // Mailboxes, also deleted ones, that still hold messages of 3.x, and how many: what remains to be migrated.
    if (doc.pvt_type === 'vmbox' && Array.isArray(doc.messages) && doc.messages.length > 0) {
        emit([doc.pvt_deleted ? 'deleted' : 'live', doc._id], doc.messages.length);
    }
}
