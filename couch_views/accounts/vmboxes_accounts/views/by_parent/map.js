function (doc) {
    // The children of an account by name. The last id in the tree is the parent.
    if (doc.pvt_type !== 'account' || doc.pvt_deleted || !Array.isArray(doc.pvt_tree) || !doc.pvt_tree.length) {
        return;
    }
    var parent = doc.pvt_tree[doc.pvt_tree.length - 1];
    emit([parent, doc.name], {id: doc._id, name: doc.name, realm: doc.realm, tree: doc.pvt_tree});
}
