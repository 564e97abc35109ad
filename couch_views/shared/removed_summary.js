function removedSummary(doc) {
    // What listings show of a removed message: its summary, when it was removed, the folder it was in if that is
    // known, whether it was removed together with its mailbox, and whether it has no audio.
    var summary = messageSummary(doc);
    summary.removed = integer(doc.pvt_modified);
    summary.removed_from = doc.pvt_removed_from;
    summary.with_box = doc.pvt_removed_with_box === true;
    summary.silent = !hasAudio(doc);
    return summary;
}
