function (doc) {
    if (doc.pvt_type !== 'account' || doc.pvt_deleted || !doc.pvt_api_key) {
        return;
    }
    emit(doc.pvt_api_key, {account_id: doc._id, account_db: doc.pvt_account_db});
}
