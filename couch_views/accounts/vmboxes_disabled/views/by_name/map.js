function (doc) {
    // Disabled accounts, whose users may not sign in, by name.
    if (doc.pvt_type !== 'account' || doc.pvt_deleted) {
        return;
    }
    var isOff = function (value) { return value === false || value === 'false'; };
    if (isOff(doc.enabled) || isOff(doc.pvt_enabled)) {
        emit(doc.name, null);
    }
}
