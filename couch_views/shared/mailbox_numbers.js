function mailboxNumbers(doc) {
    // The numbers of a mailbox: its own and its aliases. Old documents hold some as integers.
    var aliases = Array.isArray(doc.aliases) ? doc.aliases : [];
    var numbers = [];
    [doc.mailbox].concat(aliases).forEach(function (number) {
        if (typeof number === 'number' || (typeof number === 'string' && number !== '')) {
            numbers.push(String(number));
        }
    });
    return numbers;
}
