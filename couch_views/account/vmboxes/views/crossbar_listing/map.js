function (doc) {
    if (doc.pvt_type !== 'vmbox' || doc.pvt_deleted) {
        return;
    }
    emit(doc.name, {
        id: doc._id,
        name: doc.name,
        mailbox: doc.mailbox,
        owner_id: doc.owner_id,
        messages: Array.isArray(doc.messages) ? doc.messages.length : 0,
        flags: doc.flags || []
    });
}
