function (doc) {
    // !code shared/integer.js
    if (doc.pvt_type !== 'vmbox' || doc.pvt_deleted || !Array.isArray(doc.messages)) {
        return;
    }
    doc.messages.forEach(function (entry) {
        var message = entry && typeof entry === 'object' ? entry : {};
        if (message.migration_error) {
            return;
        }
        emit(integer(message.timestamp), {
            source_id: doc._id,
            owner_id: doc.owner_id,
            mailbox: doc.mailbox,
            box_timestamp: doc.pvt_created || doc.pvt_modified,
            timezone: doc.timezone,
            metadata: {
                timestamp: message.timestamp,
                from: message.from,
                to: message.to,
                caller_id_number: message.caller_id_number,
                caller_id_name: message.caller_id_name,
                call_id: message.call_id,
                folder: message.folder,
                length: message.length,
                media_id: message.media_id
            }
        });
    });
}
