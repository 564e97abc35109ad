function (doc) {
    if (doc.pvt_type === 'webhook_attempt' && !doc.pvt_deleted) {
        emit(doc.pvt_created, null);
    }
}
