function (doc) {
    if (doc.pvt_type !== 'media' || doc.pvt_deleted) {
        return;
    }
    emit(doc.name, {
        id: doc._id,
        name: doc.name,
        language: doc.language,
        media_source: doc.media_source,
        is_prompt: Boolean(doc.prompt_id)
    });
}
