function (doc) {
    // Every user, disabled ones and those without a user name included: listing and uniqueness of user names.
    if (doc.pvt_type !== 'user' || doc.pvt_deleted) {
        return;
    }
    emit(typeof doc.username === 'string' ? doc.username.toLowerCase() : null, null);
}
