function removedSummary(doc) {
    // What a list of removed messages shows: also when it was removed, the folder it was in, if that is known, and
    // whether there is nothing to hear.
    var summary = messageSummary(doc);
    summary.removed = integer(doc.pvt_modified);
    summary.removed_from = doc.pvt_removed_from;
    summary.silent = !hasAudio(doc);
    return summary;
}
