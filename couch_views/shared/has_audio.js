function hasAudio(doc) {
    // Its own, or linked: some member of either.
    return [doc._attachments, doc.pvt_attachments].some(function (found) {
        return Boolean(found) && typeof found === 'object' && Object.keys(found).length > 0;
    });
}
