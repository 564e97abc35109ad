function (doc) {
    if (doc.pvt_type !== 'account' || doc.pvt_deleted || !doc.realm) {
        return;
    }
    emit(doc.realm, {account_id: doc._id, account_db: doc.pvt_account_db});
}
