function messageSummary(doc) {
    // What listings show of a message. Messages whose metadata was lost are listed as well.
    var metadata = doc.metadata && typeof doc.metadata === 'object' ? doc.metadata : {};
    var timestamp = integer(metadata.timestamp);
    var length = integer(metadata.length);
    var transcription = doc.transcription && typeof doc.transcription === 'object' ? doc.transcription : {};
    return {
        timestamp: timestamp === null ? messageAge(doc) : timestamp,
        from: metadata.from,
        to: metadata.to,
        caller_id_number: metadata.caller_id_number,
        caller_id_name: metadata.caller_id_name,
        call_id: metadata.call_id,
        folder: metadata.folder || 'new',
        length: length === null ? undefined : length,
        media_id: metadata.media_id || doc._id,
        transcribed: transcription.result === 'success'
    };
}
