function integer(value) {
    // Old documents spell numbers as strings, or say "undefined": what is no number becomes null.
    var number = null;
    if (typeof value === 'number') {
        number = value;
    } else if (typeof value === 'string' && /^\s*\d+(\.\d+)?\s*$/.test(value)) {
        number = Number(value);
    }
    return number !== null && isFinite(number) ? Math.floor(number) : null;
}
