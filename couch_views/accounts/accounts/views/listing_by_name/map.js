function (doc) {
    // Lower case, letters and digits only. The ranges are the letters beyond ASCII: old engines have no \p{L}.
    if (doc.pvt_type !== 'account' || doc.pvt_deleted || typeof doc.name !== 'string') {
        return;
    }
    var key = doc.name.toLowerCase().replace(/[^a-z0-9\u00c0-\u1fff\u2c00-\u2dff\u3040-\ud7ff\uf900-\ufdff]/g, '');
    emit(key, {account_id: doc._id, account_db: doc.pvt_account_db});
}
