function (doc) {
    if (doc.pvt_deleted || !doc.owner_id) {
        return;
    }
    emit([doc.owner_id, doc.pvt_type], doc._id);
}
