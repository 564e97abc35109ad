function (doc) {
    // Which mailboxes, and which users by their recorded name, a media greets callers for.
    var members = {vmbox: ['unavailable', 'temporary_unavailable', 'name'], user: ['recorded_name']}[doc.pvt_type];
    if (!members || doc.pvt_deleted || !doc.media || typeof doc.media !== 'object') {
        return;
    }
    members.forEach(function (member) {
        if (typeof doc.media[member] === 'string' && doc.media[member]) {
            emit(doc.media[member], member);
        }
    });
}
