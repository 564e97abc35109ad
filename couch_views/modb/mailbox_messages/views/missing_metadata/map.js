function (doc) {
    if (doc.pvt_type !== 'mailbox_message' || doc.pvt_deleted || doc.metadata) {
        return;
    }
    emit(doc._id, null);
}
