function (doc) {
    if (doc.pvt_type === 'webhook_attempt' && !doc.pvt_deleted) {
        emit([doc.hook_id, doc.pvt_created], null);
    }
}
