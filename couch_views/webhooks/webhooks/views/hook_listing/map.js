function (doc) {
    if (doc.pvt_type === 'webhook' && !doc.pvt_deleted) {
        emit(doc.hook, {id: doc._id, account_id: doc.pvt_account_id});
    }
}
