function (doc) {
    // The mailboxes that state how many messages they take. What they state may be a text.
    var maximum = doc.max_message_count;
    if (doc.pvt_type !== 'vmbox' || doc.pvt_deleted || maximum === undefined || maximum === null) {
        return;
    }
    emit(doc._id, {
        maximum: maximum,
        name: doc.name,
        mailbox: doc.mailbox,
        messages: Array.isArray(doc.messages) ? doc.messages.length : 0
    });
}
