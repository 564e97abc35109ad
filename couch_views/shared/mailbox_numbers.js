function mailboxNumbers(doc) {
    // A box answers to its number and to each alias; old documents may hold either as an integer.
    var aliases = Array.isArray(doc.aliases) ? doc.aliases : [];
    var numbers = [];
    [doc.mailbox].concat(aliases).forEach(function (number) {
        if (typeof number === 'number' || (typeof number === 'string' && number !== '')) {
            numbers.push(String(number));
        }
    });
    return numbers;
}
