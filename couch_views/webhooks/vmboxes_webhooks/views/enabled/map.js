function (doc) {
    if (doc.pvt_type === 'webhook' && !doc.pvt_deleted && doc.enabled !== false && doc.enabled !== 'false') {
        emit(doc.pvt_account_id, doc.hook);
    }
}
