function (doc) {
    if (doc.pvt_type === 'webhook' && !doc.pvt_deleted) {
        emit(doc.pvt_account_id, null);
    }
}
