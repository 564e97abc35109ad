function removedSummary(doc) {
    // What a list of removed messages shows: also when it was removed, the folder it was in, if that is known, whether
    // it went because its mailbox did, and whether there is nothing to hear.
    var summary = messageSummary(doc);
    summary.removed = integer(doc.pvt_modified);
    summary.removed_from = doc.pvt_removed_from;
    summary.with_box = doc.pvt_removed_with_box === true;
    summary.silent = !hasAudio(doc);
    return summary;
}
