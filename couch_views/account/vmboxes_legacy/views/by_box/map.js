function (doc) {
    // Boxes that still hold messages of 3.x, deleted boxes, too, and how many: what is left to migrate.
    if (doc.pvt_type === 'vmbox' && Array.isArray(doc.messages) && doc.messages.length > 0) {
        emit([doc.pvt_deleted ? 'deleted' : 'live', doc._id], doc.messages.length);
    }
}
