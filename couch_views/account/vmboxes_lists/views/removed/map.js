function (doc) {
    // Removed mailboxes by the time of their removal, for operators who restore them.
    // !code shared/integer.js
    if (doc.pvt_type !== 'vmbox' || !doc.pvt_deleted) {
        return;
    }
    emit(integer(doc.pvt_removed_at) || integer(doc.pvt_modified), {
        id: doc._id,
        name: doc.name,
        mailbox: doc.mailbox,
        owner_id: doc.owner_id
    });
}
