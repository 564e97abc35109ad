function countedFolder(doc, age) {
    // The folder that a message is counted under. Counts add up whole months; so a message whose age lies outside the
    // month that its id names is counted by itself, under its folder and age.
    var named = doc.metadata ? doc.metadata.folder : null;
    var folder = typeof named === 'string' && named !== '' ? named : 'new';
    if (age === null) {
        return folder;
    }
    var moment = new Date((age - 62167219200) * 1000);
    var month = moment.getUTCFullYear() * 100 + moment.getUTCMonth() + 1;
    return month === Number(doc._id.slice(0, 6)) ? folder : [folder, age];
}
