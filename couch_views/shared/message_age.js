function messageAge(doc) {
    // When a message was left: the first of these times that is a number.
    var metadata = doc.metadata && typeof doc.metadata === 'object' ? doc.metadata : {};
    var times = [doc.utc_seconds, doc.timestamp, metadata.timestamp, doc.pvt_created];
    for (var i = 0; i < times.length; i++) {
        var seconds = integer(times[i]);
        if (seconds !== null) {
            return seconds;
        }
    }
    return null;
}
