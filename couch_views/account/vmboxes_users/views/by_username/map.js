function (doc) {
    // All users, also disabled ones and those without a user name: for listings and to keep user names unique.
    if (doc.pvt_type !== 'user' || doc.pvt_deleted) {
        return;
    }
    emit(typeof doc.username === 'string' ? doc.username.toLowerCase() : null, null);
}
