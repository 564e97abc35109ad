function hasAudio(doc) {
    // Whether the message has audio: an attachment of its own, or a linked one.
    return [doc._attachments, doc.pvt_attachments].some(function (attachments) {
        return Boolean(attachments) && typeof attachments === 'object' && Object.keys(attachments).length > 0;
    });
}
