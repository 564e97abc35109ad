function (doc) {
    // The descendants of an account by name.
    if (doc.pvt_type !== 'account' || doc.pvt_deleted || !Array.isArray(doc.pvt_tree)) {
        return;
    }
    doc.pvt_tree.forEach(function (ancestor) {
        emit([ancestor, doc.name], {id: doc._id, name: doc.name, realm: doc.realm, tree: doc.pvt_tree});
    });
}
