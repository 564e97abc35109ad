function (doc) {
    // A user without `enabled` is enabled, as in Kazoo's schema.
    var disabled = doc.enabled === false || doc.enabled === 'false';
    if (doc.pvt_type !== 'user' || doc.pvt_deleted || disabled || !doc.pvt_md5_auth) {
        return;
    }
    emit(doc.pvt_md5_auth, {owner_id: doc._id, account_id: doc.pvt_account_id});
}
