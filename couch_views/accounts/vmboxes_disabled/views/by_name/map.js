function (doc) {
    // The accounts whose users may not sign in, by name: few among many.
    if (doc.pvt_type !== 'account' || doc.pvt_deleted) {
        return;
    }
    var isOff = function (value) { return value === false || value === 'false'; };
    if (isOff(doc.enabled) || isOff(doc.pvt_enabled)) {
        emit(doc.name, null);
    }
}
