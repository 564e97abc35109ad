function (doc) {
    // !code shared/webhook_summary.js
    if (doc.pvt_type !== 'webhook' || doc.pvt_deleted) {
        return;
    }
    emit(doc.pvt_account_id, webhookSummary(doc));
}
