function webhookSummary(doc) {
    // What listings show of a webhook.
    var summary = {
        id: doc._id,
        name: doc.name,
        hook: doc.hook,
        uri: doc.uri,
        http_verb: doc.http_verb,
        enabled: doc.enabled !== false && doc.enabled !== 'false'
    };
    if (!summary.enabled && doc.pvt_disabled_message) {
        summary.disable_reason = doc.pvt_disabled_message;
    }
    return summary;
}
